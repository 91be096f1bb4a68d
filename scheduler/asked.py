"""Runs that somebody asks for beside what the ticker plans: now, or for slots of the past."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from db.ids import id_at, to_milliseconds
from db.jsonb import rfc3339
from db.pool import Connection, transaction
from db.query import Query
from db.runs import Pointer
from scheduler import slots
from scheduler.days import Days
from scheduler.definition import Schedule, as_due, definition_of
from scheduler.refusals import BadSpan, WrongState
from scheduler.rows import closed_of, planned_until, recurrence_of
from scheduler.schedules import get, locked, read_now, wake
from scheduler.ticker import MAKE_PARTITIONS, days_of, plan_due

MOST_BACKFILLED = 1000

_TICK = timedelta(microseconds=1)

INSERT_ASKED = Query("insert_asked_runs", Pointer)


class Taken(NamedTuple):
    """A slot that has its run."""

    slot_at: datetime


class Backfill(NamedTuple):
    """What a backfill would do, oldest first: the slots that get a run, and those that have theirs."""

    lacking: list[datetime]
    taken: list[datetime]


class Active(NamedTuple):
    """An active schedule."""

    id: UUID


class Due(NamedTuple):
    """A schedule whose next slot has come, and the last that was planned of it."""

    id: UUID
    last_slot_at: datetime | None


LIST_TAKEN = Query("list_taken_slots", Taken)
LIST_ACTIVE = Query("list_active_of_kind", Active)
LOCK_DUE = Query("lock_due_of_kind", Due)


class Ticked(NamedTuple):
    """How many active schedules there are, and those of which a slot was planned."""

    checked: int
    planned: list[UUID]


def run_now(conn: Connection, tenant_id: UUID, schedule_id: UUID, *, triggered_by: str | None = None) -> UUID:
    """The id of a run made for now, beside the schedule's slots; one that may not overlap waits for the gate.

    Raises NotFound, and WrongState when the schedule is cancelled.
    """
    with transaction(conn):
        row = locked(conn, tenant_id, schedule_id)
        if row.status == "cancelled":
            raise WrongState(f"the schedule {row.name!r} is cancelled and runs no more")
        slot = to_milliseconds(read_now(conn))
        made = _insert(conn, row, [id_at(slot)], [slot], "manual", triggered_by)
    wake(conn)
    return made[0].id


def backfill(
    conn: Connection,
    tenant_id: UUID,
    schedule_id: UUID,
    first: datetime,
    last: datetime,
    *,
    retention_days: int,
    triggered_by: str | None = None,
) -> list[UUID]:
    """The ids of the runs made for the slots in [first, last] that have no row yet, oldest first.

    Slots that are due and not planned yet are left to the ticker, those on a day of its calendar are left out.

    Raises BadSpan for more than 1000 slots, for future ones and for older ones than are kept; NotFound; WrongState
    when the schedule is cancelled.
    """
    with transaction(conn):
        row = locked(conn, tenant_id, schedule_id)
        missing = _slots_to_fill(conn, row, first, last, retention_days)
        if not missing:
            return []
        MAKE_PARTITIONS.one(conn, first_at=missing[0], last_at=missing[-1])
        made = _insert(conn, row, [id_at(slot) for slot in missing], missing, "backfill", triggered_by)
    wake(conn)
    return [run.id for run in sorted(made, key=lambda run: run.slot_at)]


def preview_backfill(
    conn: Connection, tenant_id: UUID, schedule_id: UUID, first: datetime, last: datetime, *, retention_days: int
) -> Backfill:
    """What `backfill` would do now; nothing is made and nothing locked. Raises what `backfill` raises."""
    with transaction(conn):
        row = get(conn, tenant_id, schedule_id)
        found = _slots_to_fill(conn, row, first, last, retention_days)
        if not found:
            return Backfill([], [])
        span = {"first_at": found[0], "last_at": found[-1]}
        has_run = {each.slot_at for each in LIST_TAKEN.all(conn, tenant_id=tenant_id, schedule_id=schedule_id, **span)}
    return Backfill([slot for slot in found if slot not in has_run], [slot for slot in found if slot in has_run])


def tick_kind(conn: Connection, tenant_id: UUID, kind: str) -> Ticked:
    """Plans what is due of a tenant's schedules of a kind, as a ticker does: a slot gets one run, whoever comes first.

    What a ticker plans meanwhile is left to it. The runs are released by the tickers.
    """
    with transaction(conn):
        active = LIST_ACTIVE.all(conn, tenant_id=tenant_id, kind=kind)
        due = LOCK_DUE.all(conn, tenant_id=tenant_id, kind=kind)
        plan_due(conn, tenant_id, [each.id for each in due])
        planned = [each.id for each in due if get(conn, tenant_id, each.id).last_slot_at != each.last_slot_at]
    if planned:
        wake(conn)
    return Ticked(len(active), planned)


def _slots_to_fill(
    conn: Connection, row: Schedule, first: datetime, last: datetime, retention_days: int
) -> list[datetime]:
    """The slots in [first, last], whether they have their run or not. Raises BadSpan, WrongState."""
    if row.status == "cancelled":
        raise WrongState(f"the schedule {row.name!r} is cancelled and runs no more")
    days = days_of(conn, [(row.tenant_id, row.calendar_id)]).get(row.calendar_id) if row.calendar_id else None
    return _slots_of(row, first, last, read_now(conn), retention_days, days)


def _slots_of(
    row: Schedule, first: datetime, last: datetime, now: datetime, retention_days: int, days: Days | None
) -> list[datetime]:
    """The schedule's slots in [first, last] but those on a day of its calendar. Raises BadSpan."""
    if first > last:
        raise BadSpan("the span begins after its end")
    if last > now:
        raise BadSpan(f"the span ends in the future; a backfill takes slots up to now, {rfc3339(now)}")
    if first < now - timedelta(days=retention_days):
        raise BadSpan(
            f"the span begins before {rfc3339(now - timedelta(days=retention_days))}: "
            f"TOCSIN_RETENTION_DAYS keeps {retention_days} days of history"
        )
    due = as_due(definition_of(row), row.id, now, row)
    first = max(first, row.starts_at or first)
    last = min(last, row.ends_at or last)
    if row.status == "active":
        # What is due but not planned yet is the ticker's: a row made here would stand in its way.
        last = min(last, planned_until(due._replace(plan_from=row.plan_from)))
    found, has_more = slots.slots_between(
        recurrence_of(due, days), first - _TICK, last, MOST_BACKFILLED, closed_of(due, days)
    )
    if has_more:
        raise BadSpan(f"the span holds more than {MOST_BACKFILLED} slots; backfill it in parts")
    return found


def _insert(
    conn: Connection,
    row: Schedule,
    ids: list[UUID],
    slots_at: list[datetime],
    origin: str,
    triggered_by: str | None,
) -> list[Pointer]:
    return INSERT_ASKED.all(
        conn,
        tenant_id=row.tenant_id,
        schedule_id=row.id,
        ids=ids,
        slots=slots_at,
        origin=origin,
        triggered_by=triggered_by,
    )
