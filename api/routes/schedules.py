"""`/api/schedules`: what is to be done and when; `/api/cron/preview`: when an expression fires."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from api import definitions, edits, shapes
from api.definitions import Json, Line, ScheduleIn, Time
from api.paging import Cursor, Instant, Limit, Lower, Word, page, place_of, room
from api.problems import answers, good, makes
from api.refusals import of_recurrence, refuse
from api.request import Change, Editor, Maker, Reader, answer, etag_of
from db.pool import Connection
from scheduler import asked, schedules, slots
from scheduler.definition import Schedule
from scheduler.pattern_words import explain_pattern
from scheduler.schedules import ScheduleFilter
from scheduler.slots import BadRecurrence
from scheduler.words import explain

router = APIRouter(tags=["schedules"], responses=answers(400, 401, 403, 404, 422, 429, 503))

ScheduleOut = shapes.model_of(Schedule, "Schedule", is_schedule=True)
ScheduleList = shapes.list_of(ScheduleOut, "ScheduleList")
Status = Annotated[Literal["active", "paused", "completed", "failed", "cancelled"] | None, Lower, Query()]
# What the engine counts and plans; an edit may stand on any of it.
VOLATILE = frozenset(
    {
        "nextRunAt",
        "lastSlotAt",
        "lastRunAt",
        "runCount",
        "madeAhead",
        "lastError",
        "lastErrorAt",
        "lateSince",
        "updatedAt",
    }
)


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class PauseIn(_Body):
    """Why it rests."""

    note: Line | None = None


class BackfillIn(_Body):
    """The span whose slots get the runs that they lack, both ends included."""

    first: Time = Field(alias="from")
    last: Time = Field(alias="to")


class CronIn(_Body):
    """An expression with the zone and the rules that it would have."""

    cron_expression: Annotated[str, Field(max_length=1000)]
    timezone: str = "UTC"
    dst_gap: Annotated[Literal["end", "skip", "shift"], Lower] = "end"
    dst_fold: Annotated[Literal["first", "second", "both"], Lower] = "first"
    after: Annotated[Time | None, Field(alias="from")] = None
    count: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10


class SlotOut(BaseModel):
    """One fire time: the instant, the wall clock in the schedule's zone, and what the clock's turning did to it."""

    at: Time
    local: str
    dst: str | None


class SlotList(BaseModel):
    """Fire times, and in plain words when it recurs; null for an interval and a single time."""

    items: list[SlotOut]
    words: str | None


class RunIds(BaseModel):
    """The runs that were made."""

    runIds: list[UUID]  # noqa: N815  as the contract names it


# All fields of a schedule, none required: what is not named stays.
SchedulePatch = create_model(
    "SchedulePatch",
    __doc__="What changes; fields that are not named stay. A new way to recur takes the old one's place.",
    __config__=ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid"),
    **{  # type: ignore[call-overload]  # made of fields
        name: (Annotated[(field.annotation, *field.metadata, Field())], None)
        for name, field in ScheduleIn.model_fields.items()
    },
)


@router.get("/api/schedules", responses=good(200, ScheduleList))
def list_schedules(
    asking: Reader,
    kind: Word | None = None,
    status: Status = None,
    tag: Word | None = None,
    search: Annotated[Word | None, Query(description="a part of the name, in whatever case")] = None,
    metadata: Annotated[
        str | None, Query(max_length=2000, description="a JSON object that the schedule's metadata contains")
    ] = None,
    is_active: Annotated[bool | None, Query(alias="isActive", description="the same as status=active")] = None,
    first_at: Annotated[Instant, Query(alias="from", description="made at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="made at this instant or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    job_type: Annotated[Word | None, Query(alias="jobType", description="the same as kind")] = None,
) -> Response:
    """The schedules, newest first."""
    if kind is not None and job_type not in (None, kind):
        raise refuse("jobType", "is another name of kind, and takes the same")
    before = place_of(cursor, "schedules", asking.tenant)
    wanted = ScheduleFilter(
        kind or job_type, "active" if is_active else status, tag, _metadata(metadata), first_at, last_at, search
    )
    with asking.listing() as conn:
        rows = schedules.list_all(conn, asking.tenant, wanted, before=before, limit=room(limit))
    return answer(page(rows, limit, "schedules", asking.tenant, lambda row: (row.created_at, row.id), shapes.schedule))


@router.post("/api/schedules", status_code=201, responses=makes(ScheduleOut))
def create_schedule(asking: Maker, body: ScheduleIn) -> Response:
    """Makes a schedule; it takes exactly one of cronExpression, intervalSeconds, scheduledAt and recurrence."""

    def work(conn: Connection) -> Change:
        made = definitions.create_schedule(
            conn,
            asking.tenant,
            body,
            kinds=asking.web.kinds,
            seal=asking.web.seal,
            retention_days=asking.web.settings.retention_days,
            created_by=asking.author.who,
            crew_url=asking.web.settings.crew_url,
        )
        return _changed("created", None, made, status=201, location=f"/api/schedules/{made.id}")

    return asking.writing(work)


@router.get("/api/schedules/{schedule_id}", responses=good(200, ScheduleOut))
def get_schedule(asking: Reader, schedule_id: UUID) -> Response:
    """One schedule; its ETag changes with what somebody may edit."""
    with asking.reading() as conn:
        shape = shapes.schedule(schedules.get(conn, asking.tenant, schedule_id))
    return answer(shape, etag=etag_of(shape, VOLATILE))


@router.patch("/api/schedules/{schedule_id}", responses=good(200, ScheduleOut, 409, 412))
def edit_schedule(asking: Editor, schedule_id: UUID, body: SchedulePatch) -> Response:
    """Changes the fields named. A change of timing plans anew from now on."""
    given: dict[str, Any] = body.model_dump(by_alias=True, exclude_unset=True)

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, schedule_id)
        made = edits.edit_schedule(
            conn, asking.tenant, schedule_id, given, kinds=asking.web.kinds, seal=asking.web.seal
        )
        return _changed("edited", before, made)

    return asking.writing(work)


@router.delete("/api/schedules/{schedule_id}", status_code=204, responses=answers(409, 412))
def cancel_schedule(asking: Editor, schedule_id: UUID) -> Response:
    """Cancels the schedule for good, and its open runs with it; it can still be read."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, schedule_id)
        made = schedules.cancel(conn, asking.tenant, schedule_id)
        return Change(
            "schedule.cancelled", ("schedule", made.id), shapes.schedule(before), shapes.schedule(made), status=204
        )

    return asking.writing(work)


@router.post("/api/schedules/{schedule_id}/pause", responses=good(200, ScheduleOut, 409, 412))
def pause_schedule(asking: Editor, schedule_id: UUID, body: PauseIn | None = None) -> Response:
    """Nothing is planned until it is resumed."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, schedule_id)
        return _changed(
            "paused", before, schedules.pause(conn, asking.tenant, schedule_id, body.note if body else None)
        )

    return asking.writing(work)


@router.post("/api/schedules/{schedule_id}/resume", responses=good(200, ScheduleOut, 409, 412))
def resume_schedule(asking: Editor, schedule_id: UUID) -> Response:
    """Active again from now on; the slots that passed meanwhile never were."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, schedule_id)
        return _changed("resumed", before, schedules.resume(conn, asking.tenant, schedule_id))

    return asking.writing(work)


@router.post("/api/schedules/{schedule_id}/reschedule", responses=good(200, ScheduleOut, 409, 412))
def reschedule_schedule(asking: Editor, schedule_id: UUID) -> Response:
    """Computes the next fire time anew from now on."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, schedule_id)
        return _changed("rescheduled", before, schedules.replan(conn, asking.tenant, schedule_id))

    return asking.writing(work)


@router.post("/api/schedules/{schedule_id}/run", status_code=202, responses=good(202, RunIds, 409))
def run_schedule(asking: Editor, schedule_id: UUID) -> Response:
    """Makes a run for now, beside the schedule's slots; one that may not overlap waits for its turn."""

    def work(conn: Connection) -> Change:
        run_id = asked.run_now(conn, asking.tenant, schedule_id, triggered_by=asking.author.who)
        return _made_runs("run", schedule_id, [run_id], {})

    return asking.writing(work)


@router.post("/api/schedules/{schedule_id}/backfill", status_code=202, responses=good(202, RunIds, 409))
def backfill_schedule(asking: Editor, schedule_id: UUID, body: BackfillIn) -> Response:
    """Makes the runs that the slots of a span lack, at most 1,000; a slot that has its run gets no other."""

    def work(conn: Connection) -> Change:
        made = asked.backfill(
            conn,
            asking.tenant,
            schedule_id,
            body.first,
            body.last,
            retention_days=asking.web.settings.retention_days,
            triggered_by=asking.author.who,
        )
        return _made_runs("backfilled", schedule_id, made, {"from": body.first, "to": body.last})

    return asking.writing(work)


@router.get("/api/schedules/{schedule_id}/next", responses=good(200, SlotList))
def list_next_slots(asking: Reader, schedule_id: UUID, count: Annotated[int, Query(ge=1, le=1000)] = 10) -> Response:
    """When it fires next; a paused schedule as if it were resumed now."""
    with asking.reading() as conn:
        row = schedules.get(conn, asking.tenant, schedule_id)
        found = schedules.preview(conn, asking.tenant, schedule_id, count)
    words = None if row.cron is None else explain(row.cron, row.timezone, str(row.id))
    if row.recurrence is not None:
        words = explain_pattern(row.recurrence, row.timezone)
    return answer({"items": shapes.slots(found), "words": words})


@router.post("/api/cron/preview", responses=good(200, SlotList), tags=["cron"])
def preview_cron(asking: Reader, body: CronIn) -> Response:
    """When an expression fires, and what it says in plain words; nothing is stored."""
    recurrence = slots.Cron(body.cron_expression, body.timezone, body.dst_gap, body.dst_fold)
    try:
        slots.check(recurrence)
        words = explain(body.cron_expression, body.timezone)
    except BadRecurrence as error:
        raise of_recurrence(error) from None
    after = body.after
    if after is None:
        with asking.reading() as conn:
            after = schedules.read_now(conn)
    return answer({"items": shapes.slots(slots.preview(recurrence, after, body.count)), "words": words})


def _locked(asking: Editor, conn: Connection, schedule_id: UUID) -> Schedule:
    """The schedule, locked, in the version that the request names. Raises NotFound, Stale."""
    row = schedules.locked(conn, asking.tenant, schedule_id)
    asking.check_match(etag_of(shapes.schedule(row), VOLATILE))
    return row


def _changed(
    what: str, before: Schedule | None, after: Schedule, *, status: int = 200, location: str | None = None
) -> Change:
    shape = shapes.schedule(after)
    return Change(
        f"schedule.{what}",
        ("schedule", after.id),
        before and shapes.schedule(before),
        shape,
        shape,
        status,
        location,
        etag_of(shape, VOLATILE),
    )


def _made_runs(what: str, schedule_id: UUID, made: list[UUID], more: Json) -> Change:
    body = {"runIds": made}
    return Change(f"schedule.{what}", ("schedule", schedule_id), None, {**more, **body}, body, 202)


def _metadata(text: str | None) -> Json | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refuse("metadata", "takes a JSON object")
    return definitions.storable(found, "metadata")
