"""How many slots of a tenant's schedules lie ahead, by column of time: the herd before it comes.

Bounded: of the soonest schedules, and of the largest herds among them; what lies beyond is left out and said to be.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
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


class Herd(NamedTuple):
    """Schedules that recur alike and are due in one column of time; without cron, interval and recurrence they fire once.

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


class Ahead(NamedTuple):
    """Slots by column; `is_least` says that there may be more than were counted."""

    columns: list[int]
    is_least: bool


LIST = Query("list_herds", Herd)


def ahead(conn: Connection, tenant_id: UUID, first_at: datetime, width: timedelta, columns: int) -> Ahead:
    """The slots of the tenant's active schedules in columns from `first_at` on, without the runs that are made already."""
    until = first_at + columns * width
    room = {"room": MOST_SCHEDULES, "width": int(width.total_seconds())}
    herds = LIST.all(conn, tenant_id=tenant_id, until=until, **room)
    days = days_of(conn, ((tenant_id, herd.calendar_id) for herd in herds[:MOST_HERDS]))
    found = counted(herds, days, [first_at + number * width for number in range(columns + 1)])
    is_cut = sum(herd.schedules for herd in herds) >= MOST_SCHEDULES
    return Ahead(found.columns, is_least=is_cut or found.is_least)


def counted(herds: Sequence[Herd], days: Mapping[UUID, Days], edges: Sequence[datetime]) -> Ahead:
    """The slots between each two `edges`; of the herds beyond the largest only what is due next."""
    columns = [0] * (len(edges) - 1)
    width = edges[1] - edges[0]
    for place, herd in enumerate(herds):
        # What is overdue fires now.
        first = max(0, (herd.next_fire_at - edges[0]) // width)
        if first >= len(columns):
            continue
        columns[first] += herd.schedules
        if place < MOST_HERDS:
            for number, count in _later(herd, days, edges, first):
                columns[number] += count * herd.schedules
    return Ahead(columns, is_least=len(herds) > MOST_HERDS)


def _later(herd: Herd, days: Mapping[UUID, Days], edges: Sequence[datetime], first: int) -> Iterator[tuple[int, int]]:
    """How many slots each schedule of a herd has after its next one, by column."""
    closed_days = None if herd.calendar_id is None else days.get(herd.calendar_id)
    recurrence = _recurrence(herd, closed_days)
    left = None if herd.runs_left is None else herd.runs_left - 1
    if recurrence is None:
        return
    is_kept = closed_days is not None and (herd.recurrence is None or skips(json.loads(herd.recurrence)))
    closed = Closed(closed_days, herd.timezone) if is_kept and closed_days is not None else None
    end = edges[-1] if herd.ends_at is None else min(edges[-1], herd.ends_at)
    for number in range(first, len(edges) - 1):
        low = max(edges[number], herd.next_fire_at + _TICK) - _TICK
        high = min(edges[number + 1] - _TICK, end)
        if high <= low or left == 0:
            continue
        count = _between(recurrence, low, high, closed)
        if left is not None:
            count = min(count, left)
            left -= count
        yield number, count


_TICK = timedelta(microseconds=1)


def _recurrence(herd: Herd, days: Days | None) -> slots.Recurrence | None:
    """How the herd recurs; None for what fires once."""
    if herd.cron is not None:
        return slots.Cron(herd.cron, herd.timezone, herd.dst_gap, herd.dst_fold, herd.hash_id)
    if herd.interval_seconds is not None and herd.interval_anchor is not None:
        return slots.Interval(herd.interval_seconds, herd.interval_anchor)
    if herd.recurrence is not None:
        return pattern_of(herd.recurrence, herd.timezone, herd.dst_gap, herd.dst_fold, days)
    return None


@lru_cache(maxsize=32768)
def _between(recurrence: slots.Recurrence, low: datetime, high: datetime, closed: Closed | None) -> int:
    """How many slots lie in (low, high]; kept, since the columns stay and one is new each half hour."""
    if closed is None:
        return slots.count_between(recurrence, low, high)
    return len(slots.slots_between(recurrence, low, high, _MOST_IN_COLUMN, closed)[0])
