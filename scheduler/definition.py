"""What a schedule is told and what it is: the columns somebody gives, the whole row, and what may be saved. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from config.zones import BadZone, zone
from db.ids import to_milliseconds
from scheduler import slots
from scheduler.days import Days
from scheduler.policy import Fire, Misfire
from scheduler.recurrence import moves, pattern, whole
from scheduler.rows import DueSchedule, plan_of
from scheduler.slots import BadRecurrence

_RECURRENCES = ("cron", "interval_seconds", "scheduled_at", "recurrence")
# An edit of one of these plans anew from now on.
TIMING = frozenset(
    {
        *_RECURRENCES,
        "interval_anchor",
        "timezone",
        "dst_gap",
        "dst_fold",
        "starts_at",
        "ends_at",
        "jitter_seconds",
        "max_runs",
        "calendar_id",
    }
)


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """What somebody says of a schedule; the rest of its columns are the engine's."""

    kind: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    cron: str | None = None
    interval_seconds: int | None = None
    interval_anchor: datetime | None = None
    scheduled_at: datetime | None = None
    recurrence: Mapping[str, Any] | None = None
    timezone: str = "UTC"
    dst_gap: str = "end"
    dst_fold: str = "first"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    misfire_policy: Misfire = "once"
    misfire_grace_seconds: int = 60
    misfire_limit: int = 1000
    overlap_policy: str = "skip"
    jitter_seconds: int = 0
    max_runs: int | None = None
    max_attempts: int = 5
    backoff: Mapping[str, Any] = field(default_factory=lambda: {"baseSeconds": 10, "maxSeconds": 3600})
    timeout_seconds: int = 300
    unknown_delivery_policy: str = "resend"
    priority: int = 5
    queue: str = "default"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    # What its runs use, by the names that limits have; its kind reads them out of its params.
    uses: tuple[str, ...] = ()
    # On its days nothing fires.
    calendar_id: UUID | None = None
    # How long after a slot its work may take to be delivered; None: nobody watches.
    deliver_within_seconds: int | None = None


class Schedule(NamedTuple):
    """A schedule's row, in the order of get_schedule.sql; `made_ahead` of its runs wait for their instant.

    `late_since`: since when a slot is not delivered in its time.
    """

    id: UUID
    tenant_id: UUID
    kind: str
    name: str
    params: dict[str, Any]
    cron: str | None
    interval_seconds: int | None
    interval_anchor: datetime | None
    scheduled_at: datetime | None
    timezone: str
    dst_gap: str
    dst_fold: str
    starts_at: datetime | None
    ends_at: datetime | None
    next_fire_at: datetime | None
    last_slot_at: datetime | None
    plan_from: datetime
    last_run_at: datetime | None
    status: str
    misfire_policy: Misfire
    misfire_grace_seconds: int
    misfire_limit: int
    overlap_policy: str
    jitter_seconds: int
    max_runs: int | None
    run_count: int
    max_attempts: int
    backoff: dict[str, Any]
    timeout_seconds: int
    unknown_delivery_policy: str
    priority: int
    queue: str
    pause_note: str | None
    metadata: dict[str, Any]
    tags: list[str]
    version: int
    last_error: str | None
    last_error_at: datetime | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    uses: list[str]
    calendar_id: UUID | None
    recurrence: dict[str, Any] | None
    deliver_within_seconds: int | None
    late_since: datetime | None
    made_ahead: int


def definition_of(row: Schedule) -> NewSchedule:
    """What somebody said of a stored schedule."""
    return NewSchedule(**{column.name: getattr(row, column.name) for column in fields(NewSchedule)})


def one_recurrence(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, and with a new way to recur the other ways taken away."""
    given = [name for name in _RECURRENCES if changes.get(name) is not None]
    if len(given) != 1:
        return dict(changes)
    return dict.fromkeys(_RECURRENCES) | dict(changes)


def anchored(new: NewSchedule, now: datetime) -> NewSchedule:
    """The schedule with whole milliseconds, which is what a run's id carries, and with all that it is counted from.

    Raises BadRecurrence when what it recurs by cannot be read.
    """
    anchor = None if new.interval_seconds is None else to_milliseconds(new.interval_anchor or now)
    at = None if new.scheduled_at is None else to_milliseconds(new.scheduled_at)
    told = None if new.recurrence is None else whole(new.recurrence, now.astimezone(_zone(new)).date())
    return replace(new, interval_anchor=anchor, scheduled_at=at, recurrence=told)


def check(new: NewSchedule, schedule_id: UUID) -> None:
    """Passes a timing that may be saved. Raises BadRecurrence."""
    if sum(getattr(new, name) is not None for name in _RECURRENCES) != 1:
        takes = "one of cron, interval_seconds, scheduled_at and recurrence"
        raise BadRecurrence("cron", f"stands alone: a schedule takes {takes}")
    if new.calendar_id is not None and new.scheduled_at is not None:
        raise BadRecurrence("calendar_id", "is for schedules that recur: a one-time schedule fires on its day")
    _zone(new)
    for name in ("starts_at", "ends_at"):
        value: datetime | None = getattr(new, name)
        if value is not None and value.tzinfo is None:
            raise BadRecurrence(name, "takes a time with its offset, such as 2026-03-29T01:00:00Z")
    if new.starts_at is not None and new.ends_at is not None and new.ends_at <= new.starts_at:
        raise BadRecurrence("ends_at", "takes a time after starts_at")
    slots.check(_recurrence(new, schedule_id))
    if (
        new.recurrence is not None
        and moves(new.recurrence)
        and new.calendar_id is None
        and not new.recurrence["weekends"]
    ):
        takes = "moves what falls on a day of a calendar or, with weekends, on a weekend: give one of them"
        raise BadRecurrence("recurrence.shift", takes)


def _zone(new: NewSchedule) -> tzinfo:
    try:
        return zone(new.timezone)
    except BadZone as error:
        raise BadRecurrence("timezone", str(error).removeprefix("timezone ")) from None


def _recurrence(new: NewSchedule, schedule_id: UUID) -> slots.Recurrence:
    if new.recurrence is not None:
        return pattern(new.recurrence, new.timezone, new.dst_gap, new.dst_fold)
    if new.cron is not None:
        return slots.Cron(new.cron, new.timezone, new.dst_gap, new.dst_fold, str(schedule_id))
    if new.interval_seconds is not None and new.interval_anchor is not None:
        return slots.Interval(new.interval_seconds, new.interval_anchor)
    return slots.Once(new.scheduled_at)  # type: ignore[arg-type]  # one of the four is there


def as_due(new: NewSchedule, schedule_id: UUID, now: datetime, row: Schedule | None = None) -> DueSchedule:
    """The definition as the ticker would claim it now, planned from now on."""
    return DueSchedule(
        id=schedule_id,
        # A plan is the same whoever's it is.
        tenant_id=UUID(int=0),
        kind=new.kind,
        queue=new.queue,
        cron=new.cron,
        interval_seconds=new.interval_seconds,
        interval_anchor=new.interval_anchor,
        scheduled_at=new.scheduled_at,
        recurrence=None if new.recurrence is None else json.dumps(new.recurrence),
        timezone=new.timezone,
        dst_gap=new.dst_gap,
        dst_fold=new.dst_fold,
        starts_at=new.starts_at,
        ends_at=new.ends_at,
        next_fire_at=now,
        last_slot_at=row.last_slot_at if row else None,
        plan_from=now,
        misfire_policy=new.misfire_policy,
        misfire_grace_seconds=new.misfire_grace_seconds,
        misfire_limit=new.misfire_limit,
        overlap_policy=new.overlap_policy,
        jitter_seconds=new.jitter_seconds,
        max_runs=new.max_runs,
        run_count=row.run_count if row else 0,
        calendar_id=new.calendar_id,
        claimed_at=now,
    )


def next_fire(due: DueSchedule, days: Days | None) -> datetime | None:
    """When the ticker has to look at the schedule next; a one-time schedule that is late keeps its own time."""
    plan = plan_of(due, days=days)
    fires = [decision.slot_at for decision in plan.decisions if isinstance(decision, Fire)]
    return fires[0] if fires else plan.next_fire_at
