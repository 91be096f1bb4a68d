"""All the schedules that keep a calendar, while its days change: settled by the old ones, planned anew by the new ones.

Each step is a few statements for a thousand schedules, in the one transaction that changes the calendar: no ticker ever
sees new days with a schedule that is planned by the old ones.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query
from scheduler.days import Days
from scheduler.definition import next_fire
from scheduler.rows import DueSchedule
from scheduler.schedules import replan, wake
from scheduler.ticker import claimed_of, days_of, plan_due

_BATCH = 1000


class Keeper(NamedTuple):
    """A schedule that keeps a calendar and is not over; `next_fire_at` None: paused, failed, or about to end."""

    id: UUID
    name: str
    status: str
    next_fire_at: datetime | None


LOCK = Query("lock_calendar_schedules", Keeper)
REPLAN = Query("replan_schedules")


def settle(conn: Connection, tenant_id: UUID, calendar_id: UUID) -> None:
    """Decides what is due of the calendar's schedules by its days as they are, for a caller that is about to change them.

    The caller's transaction holds the calendar, and its schedules from then on.
    """
    for keepers in _batches(LOCK.all(conn, tenant_id=tenant_id, calendar_id=calendar_id)):
        plan_due(conn, tenant_id, [each.id for each in keepers], has_no_jitter=True)


def plan_anew(conn: Connection, tenant_id: UUID, calendar_id: UUID) -> str | None:
    """The name of a schedule that the calendar's new days leave no slot to come; None: all are planned from now on.

    The caller settled them before, and takes its change back where a name is answered.
    """
    days = days_of(conn, [(tenant_id, calendar_id)])[calendar_id]
    over = []
    for keepers in _batches(LOCK.all(conn, tenant_id=tenant_id, calendar_id=calendar_id)):
        names = {each.id: each.name for each in keepers}
        fires = {each.id: each.next_fire_at for each in keepers if each.status != "active"}
        for row in claimed_of(conn, tenant_id, [*names], has_no_jitter=True):
            fires[row.id] = _next_fire(row, days)
            if fires[row.id] is None:
                return names[row.id]
        REPLAN.run(conn, tenant_id=tenant_id, ids=[*fires], next_fire_at=[*fires.values()])
        over += [each.id for each in keepers if each.status == "active" and each.next_fire_at is None]
    for schedule_id in over:
        # A day that is one no more may give another slot to one that is about to end.
        replan(conn, tenant_id, schedule_id)
    wake(conn)
    return None


def _next_fire(row: DueSchedule, days: Days) -> datetime | None:
    """When the schedule fires next, planned from now on; one that cannot be planned keeps its time: a ticker tells why."""
    try:
        return next_fire(row._replace(plan_from=row.claimed_at), days)
    except ValueError:
        return row.next_fire_at


def _batches(keepers: Sequence[Keeper]) -> Iterator[Sequence[Keeper]]:
    for first in range(0, len(keepers), _BATCH):
        yield keepers[first : first + _BATCH]
