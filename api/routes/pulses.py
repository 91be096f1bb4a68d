"""`/api/pulse`: reports that are written by a prompt on a schedule, and ticks of them from outside."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from api import pulse_jobs, pulse_ticks, pulses, shapes
from api.definitions import Time
from api.paging import Cursor, Limit, page, place_of, room
from api.problems import answers, good, makes
from api.pulse_bodies import OnModelFailure, PulseAttachment, PulseIn, PulsePatch
from api.pulse_jobs import Result, State
from api.pulses import PULSES, Pulse
from api.request import Change, Editor, Maker, OperatorReader, Reader, Ticking, answer
from api.routes.schedules import SlotOut
from db.pool import Connection
from scheduler.words import explain

router = APIRouter(prefix="/api/pulse", tags=["pulses"], responses=answers(400, 401, 403, 404, 422, 429, 503))
MOST_PULSES = 1000


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class PulseOut(_Model):
    """A pulse with its schedule, which has the same id."""

    id: UUID
    name: str
    description: str
    prompt: str
    cron: str | None
    interval_seconds: int | None
    interval_anchor: Time | None
    scheduled_at: Time | None
    recurrence: dict[str, Any] | None
    cron_timezone: str | None
    enabled: bool
    recipients: list[Any] | None
    channels: list[str]
    graph_ids: list[UUID] | None
    on_model_failure: OnModelFailure
    skip_if_nothing_notable: bool
    attachment: PulseAttachment
    test_mode: bool
    template_id: UUID | None
    deliver_within_seconds: int | None
    late_since: Time | None
    last_run_at: Time | None
    next_run_at: Time | None
    created_by: str | None
    created_at: Time
    updated_at: Time


class PulseJob(_Model):
    """A job of a pulse, which is a run."""

    id: UUID
    pulse_config_id: UUID
    state: State
    result: Result | None
    payload: dict[str, Any] | None
    error: str | None
    email_sent: bool
    email_sent_at: Time | None
    started_at: Time | None
    finished_at: Time | None
    created_at: Time
    updated_at: Time


class JobId(_Model):
    """The job that was made."""

    job_id: UUID


class Tick(_Model):
    """What a tick did: of the pulses that are enabled, how many were due and got their run."""

    checked: int
    triggered: int
    skipped: int
    triggered_configs: list[UUID]


class TenantTick(_Model):
    """What one tenant's tick did, or why there was none."""

    tenant: str
    success: bool
    tick: Tick | None
    error: str | None


class Dispatch(_Model):
    """What the ticks of all tenants did."""

    total: int
    successful: int
    failed: int
    hosting_enabled: bool
    results: list[TenantTick]


class PulseSlots(BaseModel):
    """When it is written next, and in plain words when it recurs."""

    items: list[SlotOut]
    words: str | None


PulseJobList = shapes.list_of(PulseJob, "PulseJobList")


@router.get("", responses=good(200, list[PulseOut]))
def list_pulses(asking: Reader) -> Response:
    """The pulses, newest first: a plain list of at most a thousand."""
    with asking.listing() as conn:
        found = PULSES.list_all(conn, asking.tenant, limit=MOST_PULSES)
    return answer([pulses.shown(each) for each in found])


@router.post("", status_code=201, responses=makes(PulseOut))
def create_pulse(asking: Maker, body: PulseIn) -> Response:
    """Makes a pulse with its schedule."""
    days = asking.web.settings.retention_days

    def make(conn: Connection) -> Pulse:
        return pulses.create(conn, asking.tenant, body, retention_days=days, created_by=asking.author.who)

    return PULSES.create(asking, make)


@router.post("/tick", responses=good(200, Tick))
def tick_pulses(asking: Ticking) -> Response:
    """Plans the pulses that are due and that no ticker has planned yet; with a ticker that runs there are hardly any."""
    with asking.reading() as conn:
        found = pulse_ticks.tick(conn, asking.tenant)
    return answer(found)


@router.post("/dispatch-ticks", responses=good(200, Dispatch, 409))
def dispatch_ticks(asking: OperatorReader) -> Response:
    """Ticks the pulses of each active tenant at TOCSIN_URL, with a token of its own; one that fails stops no other."""
    return answer(pulse_ticks.dispatch(asking))


@router.get("/{pulse_id}", responses=good(200, PulseOut))
def get_pulse(asking: Reader, pulse_id: UUID) -> Response:
    """One pulse."""
    return PULSES.answer_one(asking, pulse_id)


@router.put("/{pulse_id}", responses=good(200, PulseOut, 409, 412))
def edit_pulse(asking: Editor, pulse_id: UUID, body: PulsePatch) -> Response:
    """Changes the fields named; a new `cron` or `cronTimezone` computes `nextRunAt` anew."""
    return PULSES.edit(asking, pulse_id, lambda conn, row: pulses.edit(conn, asking.tenant, row, body))


@router.delete("/{pulse_id}", status_code=204, responses=answers(409, 412))
def delete_pulse(asking: Editor, pulse_id: UUID) -> Response:
    """Deletes a pulse, and cancels its schedule with the jobs that are open; its jobs can still be read."""

    def retire(conn: Connection, row: Pulse) -> None:
        pulses.retire(conn, asking.tenant, row)

    return PULSES.remove(asking, pulse_id, first=retire)


@router.post("/{pulse_id}/publish", status_code=202, responses=good(202, JobId, 409))
def publish_pulse(asking: Editor, pulse_id: UUID) -> Response:
    """Makes a job for now; those of the pulse that are not finished are cancelled with it."""

    def work(conn: Connection) -> Change:
        PULSES.get(conn, asking.tenant, pulse_id)
        made = pulse_jobs.publish(conn, asking.tenant, pulse_id, triggered_by=asking.author.who)
        return _made("published", pulse_id, made)

    return asking.writing(work)


@router.post("/{pulse_id}/preview", status_code=202, responses=good(202, JobId, 409))
def preview_pulse(asking: Editor, pulse_id: UUID) -> Response:
    """Writes the report now and sends it to nobody; the job's payload has the mail as it would have been."""

    def work(conn: Connection) -> Change:
        PULSES.get(conn, asking.tenant, pulse_id)
        made = pulse_jobs.preview(conn, asking.tenant, pulse_id, triggered_by=asking.author.who)
        return _made("previewed", pulse_id, made)

    return asking.writing(work)


@router.get("/{pulse_id}/jobs", responses=good(200, PulseJobList))
def list_pulse_jobs(asking: Reader, pulse_id: UUID, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Its jobs, newest first."""
    before = place_of(cursor, "jobs", asking.tenant)
    with asking.reading() as conn:
        PULSES.get(conn, asking.tenant, pulse_id)
        found = pulse_jobs.list_all(conn, asking.tenant, pulse_id, before=before, limit=room(limit))
    return answer(page(found, limit, "jobs", asking.tenant, lambda run: (run.slot_at, run.id), pulse_jobs.shown))


@router.get("/{pulse_id}/next", responses=good(200, PulseSlots))
def list_next_pulses(asking: Reader, pulse_id: UUID, count: Annotated[int, Query(ge=1, le=1000)] = 10) -> Response:
    """When it is written next; of a disabled one as if it were enabled now."""
    with asking.reading() as conn:
        row = PULSES.get(conn, asking.tenant, pulse_id)
        found = pulses.next_slots(conn, asking.tenant, row, count)
    words = None if row.cron is None else explain(row.cron, row.timezone, str(row.id))
    return answer({"items": found, "words": words})


def _made(what: str, pulse_id: UUID, job_id: UUID) -> Change:
    body = {"jobId": job_id}
    return Change(f"pulse.{what}", ("pulse", pulse_id), None, body, body, 202, f"/api/pulse-job/{job_id}")
