"""The jobs of pulses: each is a run, told in a job's words. What a job's state says is never taken back."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from db.ids import id_at, slot_of, to_milliseconds
from db.jsonb import Jsonb
from db.pool import Connection, transaction
from db.query import Query
from db.runs import Pointer
from db.runs import cancel as cancel_runs
from scheduler import asked, schedules
from scheduler.refusals import NotFound, WrongState

STALE_HOURS = 24
SUPERSEDED, STALE = "superseded", "stale"
_OPEN = ("pending", "queued", "running")

State = Literal["created", "running", "finished"]
Result = Literal["success", "error", "canceled"]


class PulseRun(NamedTuple):
    """A run of a pulse, with when it died last and what became of its mails."""

    id: UUID
    slot_at: datetime
    pulse_id: UUID
    state: str
    outcome: dict[str, Any] | None
    error: str | None
    cancel_requested_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    died_at: datetime | None
    mails: int
    mails_sent: int
    mailed_at: datetime | None


GET = Query("get_pulse_job", PulseRun)
LIST = Query("list_pulse_jobs", PulseRun)
LIST_UNFINISHED = Query("list_unfinished_jobs", Pointer)
LIST_STALE = Query("list_stale_jobs", Pointer)
INSERT_PREVIEW = Query("insert_preview_run", Pointer)


def result_of(run: PulseRun) -> Result | None:
    """How the job ended; None while it has not. One that died stays an error until a retry succeeded."""
    if run.state == "succeeded":
        return "success"
    if run.state == "dead" or run.died_at is not None:
        return "error"
    if run.state not in _OPEN or run.cancel_requested_at is not None:
        return "canceled"
    return None


def shown(run: PulseRun) -> dict[str, Any]:
    """The job as the outside sees it. One that waits for its next attempt is running: it was, and is not over."""
    result = result_of(run)
    state: State = "finished" if result is not None else "created" if run.started_at is None else "running"
    is_sent = run.mails > 0 and run.mails_sent == run.mails
    ended = run.finished_at or run.died_at or run.cancel_requested_at
    moments = (run.created_at, run.started_at, ended, run.mailed_at)
    return {
        "id": run.id,
        "pulseConfigId": run.pulse_id,
        "state": state,
        "result": result,
        "payload": run.outcome,
        "error": run.error if result == "error" else None,
        "emailSent": is_sent,
        "emailSentAt": run.mailed_at if is_sent else None,
        "startedAt": run.started_at,
        "finishedAt": ended if state == "finished" else None,
        "createdAt": run.created_at,
        "updatedAt": max(each for each in moments if each is not None),
    }


def get(conn: Connection, tenant_id: UUID, job_id: UUID) -> PulseRun:
    """The tenant's job. Raises NotFound, also for a run of another kind."""
    try:
        slot_at = slot_of(job_id)
    except (ValueError, OverflowError):
        raise NotFound(f"{job_id} is not the id of a job") from None
    found = GET.one(conn, tenant_id=tenant_id, id=job_id, slot_at=slot_at)
    if found is None:
        raise NotFound(f"there is no job {job_id}")
    return found


def list_all(
    conn: Connection,
    tenant_id: UUID,
    pulse_id: UUID,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[PulseRun]:
    """The jobs of a pulse, newest first; its previews are none."""
    return LIST.all(
        conn, tenant_id=tenant_id, schedule_id=pulse_id, before_at=before[0], before_id=before[1], room=limit
    )


def publish(conn: Connection, tenant_id: UUID, pulse_id: UUID, *, triggered_by: str | None) -> UUID:
    """The id of a job made for now; those of the pulse that were not finished are cancelled with it, or not at all.

    Raises NotFound, and WrongState when the pulse was deleted.
    """
    with transaction(conn):
        # Of two at once the second waits here, and finds the job of the first.
        schedules.locked(conn, tenant_id, pulse_id)
        cancel_runs(conn, LIST_UNFINISHED.all(conn, tenant_id=tenant_id, schedule_id=pulse_id), SUPERSEDED)
        return asked.run_now(conn, tenant_id, pulse_id, triggered_by=triggered_by)


def preview(conn: Connection, tenant_id: UUID, pulse_id: UUID, *, triggered_by: str | None) -> UUID:
    """The id of a run that writes the report now, once, and sends it to nobody. Raises NotFound, WrongState."""
    with transaction(conn):
        row = schedules.locked(conn, tenant_id, pulse_id)
        if row.status == "cancelled":
            raise WrongState(f"the pulse {row.name!r} was deleted")
        slot = to_milliseconds(schedules.read_now(conn))
        params = Jsonb({"testMode": True})
        place = {"id": id_at(slot), "slot_at": slot, "tenant_id": tenant_id, "schedule_id": pulse_id}
        made = INSERT_PREVIEW.one(conn, params=params, triggered_by=triggered_by, **place)
    if made is None:
        raise NotFound(f"there is no pulse {pulse_id}")
    schedules.wake(conn)
    return made.id


def cleanup(conn: Connection, tenant_id: UUID, hours: int) -> list[UUID]:
    """The ids of the jobs cancelled that were open for so many hours and that no living process works on."""
    with transaction(conn):
        stale = LIST_STALE.all(conn, tenant_id=tenant_id, hours=hours)
        return [run.id for run in cancel_runs(conn, stale, STALE)]
