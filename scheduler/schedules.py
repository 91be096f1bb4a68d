"""Schedules as somebody changes them: create, edit, pause, resume, cancel, preview.

Each is one transaction that locks the one schedule, so a ticker sees it before or after, never between; then the
tickers are woken once. Instants are aware and UTC; `now` is Postgres's.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from db.jsonb import Jsonb, rfc3339
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.runs import Pointer
from db.runs import cancel as cancel_runs
from scheduler import slots
from scheduler.days import Days
from scheduler.definition import (
    TIMING,
    NewSchedule,
    Schedule,
    anchored,
    as_due,
    check,
    definition_of,
    next_fire,
    one_recurrence,
)
from scheduler.refusals import NameTaken, NotFound, WrongState
from scheduler.rows import closed_of, recurrence_of
from scheduler.slots import BadRecurrence, Slot
from scheduler.ticker import MAKE_PARTITIONS, days_of, plan_due

_TICK = timedelta(microseconds=1)
_UNIQUE_VIOLATION = "23505"
_JSON = ("params", "backoff", "metadata", "recurrence")


class Now(NamedTuple):
    """Postgres's clock at the start of the transaction."""

    now: datetime


class Id(NamedTuple):
    """The id of a row that was written or locked."""

    id: UUID


class ScheduleFilter(NamedTuple):
    """Which schedules of a tenant are listed; None asks nothing. The instants are those at which they were made.

    `search` is a part of the name, in whatever case. What is overdue did not deliver in time, or is due and not planned.
    """

    kind: str | None = None
    status: str | None = None
    tag: str | None = None
    metadata: Mapping[str, Any] | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    search: str | None = None
    is_overdue: bool = False


class Gate(NamedTuple):
    """The run that holds a gate."""

    run_id: UUID | None


class Sent(NamedTuple):
    """The answer to a NOTIFY, which is nothing."""

    value: bool


READ_NOW = Query("read_now", Now)
INSERT = Query("insert_schedule", Id)
GET = Query("get_schedule", Schedule)
LIST = Query("list_schedules", Schedule)
LOCK = Query("lock_schedule", Id)
UPDATE = Query("update_schedule")
REWIND = Query("rewind_schedule")
KEEP_EARLIER = Query("keep_earlier_runs")
STOP = Query("stop_schedule")
RESUME = Query("resume_schedule")
RENAME_ENDED = Query("rename_ended_schedule")
GET_GATE = Query("get_gate", Gate)
LIST_OPEN_RUNS = Query("list_open_runs", Pointer)
HOLD_CALENDAR = Query("hold_calendar", Id)
NOTIFY = Query("notify_tickers", Sent)


def create(
    conn: Connection,
    tenant_id: UUID,
    schedule_id: UUID,
    new: NewSchedule,
    *,
    retention_days: int,
    created_by: str | None = None,
) -> Schedule:
    """The schedule made, with its first slot planned from now on; one whose only time has passed fires at once.

    Raises BadRecurrence when its timing is refused or gives no slot, NameTaken.
    """
    with transaction(conn):
        now = read_now(conn)
        new = anchored(new, now)
        check(new, schedule_id)
        _hold_calendar(conn, tenant_id, new.calendar_id)
        if new.scheduled_at is not None and new.scheduled_at < now:
            _make_room(conn, new.scheduled_at, now, retention_days)
        next_fire_at = next_fire(as_due(new, schedule_id, now), _days(conn, tenant_id, new.calendar_id))
        if next_fire_at is None:
            at_fault = (
                "ends_at"
                if new.ends_at
                else "calendar_id"
                if new.calendar_id
                else "recurrence"
                if new.recurrence
                else "cron"
            )
            raise BadRecurrence(at_fault, "leaves no slot to come")
        made = INSERT.one(
            conn,
            id=schedule_id,
            tenant_id=tenant_id,
            next_fire_at=next_fire_at,
            created_by=created_by,
            **_columns(new),
        )
        if made is None:
            raise NameTaken(f"there is a schedule named {new.name!r} already")
        row = get(conn, tenant_id, schedule_id)
    wake(conn)
    return row


def get(conn: Connection, tenant_id: UUID, id_or_name: UUID | str) -> Schedule:
    """The tenant's schedule of that id or name. Raises NotFound."""
    named = _uuid(id_or_name)
    row = GET.one(conn, tenant_id=tenant_id, id=named, name=str(id_or_name))
    if row is None:
        raise NotFound(f"there is no schedule {id_or_name}")
    return row


def list_all(
    conn: Connection,
    tenant_id: UUID,
    wanted: ScheduleFilter | None = None,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[Schedule]:
    """The tenant's schedules, newest first; `before`: behind the one of that instant and id."""
    wanted = wanted or ScheduleFilter()
    asked = wanted._asdict() | {"metadata": None if wanted.metadata is None else Jsonb(wanted.metadata)}
    return LIST.all(conn, tenant_id=tenant_id, before_at=before[0], before_id=before[1], room=limit, **asked)


def edit(conn: Connection, tenant_id: UUID, schedule_id: UUID, changes: Mapping[str, Any]) -> Schedule:
    """The schedule with the columns given changed, the others left; its version rises.

    A change of timing plans anew from now on. An interval keeps its anchor unless another is given.
    Raises BadRecurrence, NameTaken, NotFound, and WrongState for one that is over.
    """
    with transaction(conn):
        _hold_calendar(conn, tenant_id, changes.get("calendar_id"))
        row = _rewound(conn, tenant_id, schedule_id)
        if row.status not in ("active", "paused", "failed"):
            raise WrongState(f"the schedule {row.name!r} is {row.status} and changes no more")
        now = read_now(conn)
        new = anchored(replace(definition_of(row), **one_recurrence(changes)), now)
        is_timing = bool(TIMING & changes.keys())
        if is_timing:
            check(new, schedule_id)
            plan_due(conn, tenant_id, [schedule_id], has_no_jitter=True)
            row = get(conn, tenant_id, schedule_id)
        plan_from = now if is_timing else row.plan_from
        next_fire_at = row.next_fire_at
        if is_timing and row.status == "active":
            days = _days(conn, tenant_id, new.calendar_id)
            next_fire_at = next_fire(as_due(new, schedule_id, now, row), days)
        try:
            UPDATE.run(
                conn,
                id=schedule_id,
                tenant_id=tenant_id,
                plan_from=plan_from,
                next_fire_at=next_fire_at,
                **_columns(new),
            )
        except DatabaseError as error:
            if error.sqlstate != _UNIQUE_VIOLATION:
                raise
            raise NameTaken(f"there is a schedule named {new.name!r} already") from None
        if row.overlap_policy == "allow" and new.overlap_policy != "allow":
            KEEP_EARLIER.run(conn, tenant_id=tenant_id, schedule_id=schedule_id)
        row = get(conn, tenant_id, schedule_id)
    wake(conn)
    return row


def replan(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> Schedule:
    """The schedule with its next fire time computed anew from now on. Raises NotFound, and WrongState when it is over."""
    return edit(conn, tenant_id, schedule_id, {"timezone": get(conn, tenant_id, schedule_id).timezone})


def pause(conn: Connection, tenant_id: UUID, schedule_id: UUID, note: str | None = None) -> Schedule:
    """The schedule paused: nothing is planned until it is resumed. Raises NotFound, and WrongState unless active."""
    return _stop(conn, tenant_id, schedule_id, "paused", note, {"active"})


def cancel(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> Schedule:
    """The schedule cancelled for good, its open runs with it. Raises NotFound, and WrongState when it is over."""
    return _stop(conn, tenant_id, schedule_id, "cancelled", None, {"active", "paused", "failed"})


def free_name(conn: Connection, row: Schedule) -> None:
    """The name of a schedule that is over can be taken again: it has its id in its own from now on."""
    name = f"{row.name[:170]} (ended {str(row.id)[:8]})"
    RENAME_ENDED.run(conn, tenant_id=row.tenant_id, id=row.id, name=name)


def resume(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> Schedule:
    """The schedule active again from now on; the slots that passed meanwhile never were. One without a slot to come ends.

    Raises NotFound, and WrongState unless it is paused or failed.
    """
    with transaction(conn):
        row = locked(conn, tenant_id, schedule_id)
        if row.status not in ("paused", "failed"):
            raise WrongState(f"the schedule {row.name!r} is {row.status}, so there is nothing to resume")
        now = read_now(conn)
        due = as_due(definition_of(row), schedule_id, now, row)
        # A one-time schedule whose time passed while it was paused has passed with it.
        is_over = due.scheduled_at is not None and due.scheduled_at <= now
        next_fire_at = None if is_over else next_fire(due, _days(conn, tenant_id, row.calendar_id))
        RESUME.run(conn, id=schedule_id, tenant_id=tenant_id, next_fire_at=next_fire_at)
        row = get(conn, tenant_id, schedule_id)
    wake(conn)
    return row


def preview(conn: Connection, tenant_id: UUID, schedule_id: UUID, count: int) -> list[Slot]:
    """The next slots that will fire, at most `count`; a paused schedule is shown as if resumed now.

    Raises NotFound.
    """
    with transaction(conn):
        row = get(conn, tenant_id, schedule_id)
        now = read_now(conn)
        days = _days(conn, tenant_id, row.calendar_id)
    if row.status not in ("active", "paused"):
        return []
    due = as_due(definition_of(row), row.id, now, row)
    recurrence = recurrence_of(due, days)
    after = now
    if due.scheduled_at is not None and row.last_slot_at is None and row.status == "active":
        after = min(now, due.scheduled_at - _TICK)
    left = count if row.max_runs is None else min(count, max(0, row.max_runs - row.run_count + row.made_ahead))
    closed = closed_of(due, days)
    return slots.preview(recurrence, after, left, row.starts_at, row.ends_at, row.timezone, closed)


def read_now(conn: Connection) -> datetime:
    """Postgres's clock: the start of the transaction, where there is one."""
    row = READ_NOW.one(conn)
    if row is None:
        raise RuntimeError("select now() gave no row")
    return row.now


def gate_holder(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> UUID | None:
    """The run that holds the schedule's gate; None while it is free, or where there is none."""
    gate = GET_GATE.one(conn, tenant_id=tenant_id, schedule_id=schedule_id)
    return gate.run_id if gate else None


def open_runs(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> list[UUID]:
    """The schedule's runs that are not over, the earliest slot first."""
    return [run.id for run in LIST_OPEN_RUNS.all(conn, tenant_id=tenant_id, schedule_id=schedule_id)]


def wake(conn: Connection) -> None:
    """Wakes the tickers; they would look within a second all the same."""
    NOTIFY.one(conn)


def _stop(
    conn: Connection, tenant_id: UUID, schedule_id: UUID, status: str, note: str | None, fitting: set[str]
) -> Schedule:
    with transaction(conn):
        row = _rewound(conn, tenant_id, schedule_id)
        if row.status not in fitting:
            raise WrongState(f"the schedule {row.name!r} is {row.status} and cannot become {status}")
        STOP.run(conn, id=schedule_id, tenant_id=tenant_id, status=status, note=note)
        if status == "cancelled":
            cancel_runs(
                conn, LIST_OPEN_RUNS.all(conn, tenant_id=tenant_id, schedule_id=schedule_id), "schedule_cancelled"
            )
        row = get(conn, tenant_id, schedule_id)
    wake(conn)
    return row


def locked(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> Schedule:
    """The schedule, locked for the caller's transaction. Raises NotFound."""
    LOCK.one(conn, tenant_id=tenant_id, id=schedule_id)
    return get(conn, tenant_id, schedule_id)


def _rewound(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> Schedule:
    """The schedule, locked, with all planned that is due and nothing that lies ahead. Raises NotFound."""
    LOCK.one(conn, tenant_id=tenant_id, id=schedule_id)
    REWIND.run(conn, tenant_id=tenant_id, id=schedule_id)
    plan_due(conn, tenant_id, [schedule_id])
    return get(conn, tenant_id, schedule_id)


def _hold_calendar(conn: Connection, tenant_id: UUID, calendar_id: UUID | None) -> None:
    """Holds the calendar that a schedule is given, so that no edit of it overlooks this one. Raises BadRecurrence."""
    if calendar_id is not None and HOLD_CALENDAR.one(conn, tenant_id=tenant_id, id=calendar_id) is None:
        raise BadRecurrence("calendar_id", f"names no calendar: there is none with the id {calendar_id}")


def _days(conn: Connection, tenant_id: UUID, calendar_id: UUID | None) -> Days | None:
    return None if calendar_id is None else days_of(conn, [(tenant_id, calendar_id)])[calendar_id]


def _uuid(text: UUID | str) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _columns(new: NewSchedule) -> dict[str, Any]:
    found = {column.name: getattr(new, column.name) for column in fields(NewSchedule)}
    found |= {name: Jsonb(found[name]) for name in _JSON if found[name] is not None}
    return found | {"tags": list(new.tags), "uses": list(new.uses)}


def _make_room(conn: Connection, slot: datetime, now: datetime, retention_days: int) -> None:
    oldest = now - timedelta(days=retention_days)
    if slot < oldest:
        raise BadRecurrence(
            "scheduled_at",
            f"takes a time since {rfc3339(oldest)}: TOCSIN_RETENTION_DAYS keeps {retention_days} days of history",
        )
    MAKE_PARTITIONS.one(conn, first_at=slot, last_at=slot)
