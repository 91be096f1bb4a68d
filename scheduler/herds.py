"""How many slots of a tenant's schedules lie ahead, by column of time: the herd before it comes.

Bounded: of the soonest schedules, and of the largest herds among them; what lies beyond is left out and said to be.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query
from scheduler import slots
from scheduler.days import Closed, Days
from scheduler.recurrence import pattern_of, skips
from scheduler.ticker import days_of

MOST_SCHEDULES = 5_000
MOST_HERDS = 150
_MOST_IN_COLUMN = 2_000
_TICK = timedelta(microseconds=1)


class Herd(NamedTuple):
    """Schedules that recur alike and are due next in one column of time; `herds` says how many herds there are.

    `next_fire_at` is the last of theirs, `hash_id` the id of the one whose expression needs it.
    """

    schedules: int
    next_fire_at: datetime
    cron: str | None
    interval_seconds: int | None
    interval_anchor: datetime | None
    recurrence: str | None
    timezone: str
    dst_gap: str
    dst_fold: str
    calendar_id: UUID | None
    ends_at: datetime | None
    runs_left: int | None
    hash_id: str
    herds: int


class Due(NamedTuple):
    """How many schedules are due next in a column."""

    number: int
    schedules: int


class Ahead(NamedTuple):
    """Slots by column; `is_least` says that there may be more than were counted."""

    columns: list[int]
    is_least: bool


class Columns(NamedTuple):
    """So many columns of time, one after the other."""

    first_at: datetime
    width: timedelta
    number: int

    def edge(self, number: int) -> datetime:
        """Where a column begins, and the one before it ends."""
        return self.first_at + number * self.width


LIST = Query("list_herds", Herd)
COUNT_NEXT = Query("count_next_fires", Due)


def ahead(conn: Connection, tenant_id: UUID, columns: Columns) -> Ahead:
    """The slots of the tenant's active schedules in these columns, without the runs that are made already."""
    until = columns.edge(columns.number)
    of = {"tenant_id": tenant_id, "until": until, "room": MOST_SCHEDULES, "width": int(columns.width.total_seconds())}
    found = [0] * columns.number
    for due in COUNT_NEXT.all(conn, first_at=columns.first_at, **of):
        found[due.number] += due.schedules
    is_cut = sum(found) >= MOST_SCHEDULES
    herds = LIST.all(conn, herds=MOST_HERDS, **of)
    days = days_of(conn, ((tenant_id, herd.calendar_id) for herd in herds))
    for herd in herds:
        for number, count in later(herd, days, columns):
            found[number] += count * herd.schedules
    return Ahead(found, is_least=is_cut or any(herd.herds > MOST_HERDS for herd in herds))


def later(herd: Herd, days: Mapping[UUID, Days], columns: Columns) -> Iterator[tuple[int, int]]:
    """How many slots each schedule of the herd has after its next one, by column."""
    own = None if herd.calendar_id is None else days.get(herd.calendar_id)
    recurrence = _recurrence(herd, own)
    closed = _closed(herd, own)
    left = None if herd.runs_left is None else herd.runs_left - 1
    first = max(0, (herd.next_fire_at - columns.first_at) // columns.width)
    whole = _counts(recurrence, closed, columns)
    for number in range(first, columns.number):
        count = whole[number]
        is_last = herd.ends_at is not None and herd.ends_at < columns.edge(number + 1)
        if number == first or is_last:
            low = max(columns.edge(number) - _TICK, herd.next_fire_at)
            high = columns.edge(number + 1) - _TICK
            high = high if herd.ends_at is None else min(high, herd.ends_at)
            count = _between(recurrence, closed, low, high) if low < high else 0
        if left is not None:
            count = min(count, left)
            left -= count
        if count:
            yield number, count
        if is_last or left == 0:
            return


def _closed(herd: Herd, days: Days | None) -> Closed | None:
    is_kept = herd.recurrence is None or skips(json.loads(herd.recurrence))
    return Closed(days, herd.timezone) if days is not None and is_kept else None


def _recurrence(herd: Herd, days: Days | None) -> slots.Recurrence:
    if herd.recurrence is not None:
        return pattern_of(herd.recurrence, herd.timezone, herd.dst_gap, herd.dst_fold, days)
    if herd.cron is not None:
        return slots.Cron(herd.cron, herd.timezone, herd.dst_gap, herd.dst_fold, herd.hash_id)
    if herd.interval_seconds is not None and herd.interval_anchor is not None:
        return slots.Interval(herd.interval_seconds, herd.interval_anchor)
    raise ValueError("the herd has neither a cron expression, an interval nor a recurrence")


@lru_cache(maxsize=4096)
def _counts(recurrence: slots.Recurrence, closed: Closed | None, columns: Columns) -> tuple[int, ...]:
    """How many slots lie in each column."""
    return tuple(
        _between(recurrence, closed, columns.edge(number) - _TICK, columns.edge(number + 1) - _TICK)
        for number in range(columns.number)
    )


@lru_cache(maxsize=32768)
def _between(recurrence: slots.Recurrence, closed: Closed | None, low: datetime, high: datetime) -> int:
    """How many slots lie in (low, high]; kept, since the columns stay and one is new each half hour."""
    if closed is None:
        return slots.count_between(recurrence, low, high)
    return len(slots.slots_between(recurrence, low, high, _MOST_IN_COLUMN, closed)[0])
