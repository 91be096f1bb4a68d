"""What lies ahead of a schedule: its next slots before it is made, its days of a month, the nights when its clock turns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from config.zones import zone
from db.pool import Connection
from scheduler import slots
from scheduler.days import Closed, Days
from scheduler.definition import NewSchedule, Schedule, anchored, as_due, check, definition_of
from scheduler.night_words import explain_night
from scheduler.rows import closed_of, recurrence_of
from scheduler.schedules import preview, read_now
from scheduler.slots import Recurrence, Slot
from scheduler.ticker import days_of
from scheduler.turns import Turn, turns

MOST_OF_A_DAY: Final = 4
"""So many slots of a day are named; of the others it is said how many there are."""

_MOST_LEFT = 1000
_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_YEARS = 3


class Night(NamedTuple):
    """A night when the clock of the schedule's zone turns, what becomes of its times, and its slots of that date."""

    date: date
    sentence: str
    slots: list[Slot]


class DayAhead(NamedTuple):
    """A date of the schedule's zone: how often it fires, the first of these slots, and how many its calendar takes away."""

    date: date
    fires: int
    slots: list[Slot]
    skipped: int
    is_turning: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule fires in (`after`, `until`], by its zone and around the days of its calendar."""

    recurrence: Recurrence
    timezone: str
    closed: Closed | None
    after: datetime
    until: datetime | None

    def next(self, count: int) -> list[Slot]:
        """The next slots, at most `count`."""
        after = slots.first_after(self.recurrence, self.after)
        return slots.preview(self.recurrence, after, count, None, self.until, self.timezone, self.closed)

    def month(self, year: int, month: int) -> list[DayAhead]:
        """The dates of a month."""
        first = date(year, month, 1)
        following = date(year + month // 12, month % 12 + 1, 1)
        return [self._day(first + number * _DAY) for number in range((following - first).days)]

    def nights(self, count: int) -> list[Night]:
        """The next nights when the clock turns, at most `count` and none in zones whose clock doesn't."""
        return [
            Night(day, explain_night(self.recurrence, turn, self.timezone), self._slots(*self._span(day)))
            for day, turn in list(self._turns())[:count]
        ]

    def _turns(self) -> Iterator[tuple[date, Turn]]:
        for year in range(self.after.year, self.after.year + _YEARS):
            for turn in turns(self.timezone, year):
                if turn.at > self.after.astimezone(UTC).replace(tzinfo=None):
                    yield (turn.at + turn.before).date(), turn

    def _day(self, day: date) -> DayAhead:
        low, high = self._span(day)
        count = slots.count_between(self.recurrence, low, high)
        is_turning = any((turn.at + turn.before).date() == day for turn in turns(self.timezone, day.year))
        if count and self.closed is not None and self.closed.days.has(day):
            return DayAhead(day, 0, [], count, is_turning)
        return DayAhead(day, count, self._slots(low, high) if count else [], 0, is_turning)

    def _slots(self, low: datetime, high: datetime) -> list[Slot]:
        if low >= high:
            return []
        return slots.preview(self.recurrence, low, MOST_OF_A_DAY, None, high, self.timezone, self.closed)

    def _span(self, day: date) -> tuple[datetime, datetime]:
        """The instants (low, high] of the date that lie ahead."""
        low, high = self._opening(day) - _TICK, self._opening(day + _DAY) - _TICK
        return max(low, self.after), high if self.until is None else min(high, self.until)

    def _opening(self, day: date) -> datetime:
        """The date's first instant."""
        return datetime.combine(day, datetime.min.time(), zone(self.timezone)).astimezone(UTC)


def timing_of(conn: Connection, row: Schedule) -> Timing | None:
    """When the schedule fires from now on, a paused one as if it were resumed now; None for one that is over."""
    if row.status not in ("active", "paused"):
        return None
    now = read_now(conn)
    timing = _timing(definition_of(row), row.id, now, _days(conn, row.tenant_id, row.calendar_id))
    left = None if row.max_runs is None else max(0, row.max_runs - row.run_count + row.made_ahead)
    if left is None or left > _MOST_LEFT:
        return timing
    last = preview(conn, row.tenant_id, row.id, left)[-1:]
    return _until(timing, last[0].at if last else now)


def timing_before(conn: Connection, tenant_id: UUID, new: NewSchedule, schedule_id: UUID) -> Timing:
    """When a schedule that is not made yet would fire. Raises BadRecurrence."""
    now = read_now(conn)
    new = anchored(new, now)
    check(new, schedule_id)
    return _timing(new, schedule_id, now, _days(conn, tenant_id, new.calendar_id))


def _timing(new: NewSchedule, schedule_id: UUID, now: datetime, days: Days | None) -> Timing:
    due = as_due(new, schedule_id, now)
    after = now if new.starts_at is None else max(now, new.starts_at - _TICK)
    return Timing(recurrence_of(due, days), new.timezone, closed_of(due, days), after, new.ends_at)


def _until(timing: Timing, last: datetime) -> Timing:
    until = last if timing.until is None else min(last, timing.until)
    return Timing(timing.recurrence, timing.timezone, timing.closed, timing.after, until)


def _days(conn: Connection, tenant_id: UUID, calendar_id: UUID | None) -> Days | None:
    return None if calendar_id is None else days_of(conn, [(tenant_id, calendar_id)]).get(calendar_id)
