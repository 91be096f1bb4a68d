"""The dates on which a recurrence falls, year by year, and its wall-clock times on them. Pure; knows no time zone."""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from scheduler.days import LAST_YEAR_OF_HOLIDAYS, Days

# A search ends here: a 29th of February on a Monday comes within 40 years, and what comes later still is "never".
_YEARS: Final = 50
# So far a day may be moved; one that finds no business day within is skipped.
MOST_DAYS_MOVED: Final = 31
MINUTES_OF_DAY: Final = 1440

_DAY = timedelta(days=1)
_REACH = timedelta(days=MOST_DAYS_MOVED)
_FRIDAY: Final = 4
_MONTHS_OF: Final = {"month": 1, "quarter": 3, "year": 12}
_WEEKDAYS: Final = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


class Nth(NamedTuple):
    """The `nth` day of its `unit` ("day", "business day", "mon" … "sun") in a month; below 0 counted from its end."""

    unit: str
    nth: int


@dataclass(frozen=True, slots=True)
class Dates:
    """Days of each `interval`-th period, counted from the one that holds `start`; equal values have equal dates.

    `days` are weekdays for a week and days of a month for the longer ones: of their `month`-th month or, where that is
    None, of the first one for those that are counted from its beginning and of the last one for the others. Business
    days are Monday to Friday without those of `closed`. A day of `closed`, and a weekend if they are off, is moved to
    the business day "before" or "after" it; "skip" leaves weekends out, and knows no calendar.
    """

    every: str
    interval: int
    start: date
    days: tuple[Nth, ...]
    month: int | None
    shift: str
    has_weekends_off: bool
    closed: Days | None

    def next_day(self, day: date) -> date | None:
        """The first of them on or after `day`, None when there is none for 50 years or none can be known."""
        for year in range(day.year, min(day.year + _YEARS, self._last_year) + 1):
            dates = _dates(self, year)
            place = bisect_left(dates, day)
            if place < len(dates):
                return dates[place]
        return None

    def count_days(self, first: date, end: date) -> int:
        """How many of them lie in [first, end)."""
        years = range(first.year, min(end.year, self._last_year) + 1)
        return sum(bisect_left(dates, end) - bisect_left(dates, first) for dates in (_dates(self, y) for y in years))

    @property
    def _last_year(self) -> int:
        return 9000 if self.closed is None else LAST_YEAR_OF_HOLIDAYS

    def moved(self, day: date) -> date | None:
        """The day on which a slot of that day fires; None when it does not."""
        is_weekend = self.has_weekends_off and day.weekday() > _FRIDAY
        if self.shift == "skip":
            return None if is_weekend else day
        if self.shift == "none" or not (is_weekend or self._is_closed(day)):
            return day
        step = _DAY if self.shift == "after" else -_DAY
        near = (day + number * step for number in range(1, MOST_DAYS_MOVED + 1))
        return next((each for each in near if self._is_business(each)), None)

    def nominal(self, first: date, last: date) -> Iterator[date]:
        """The days in [first, last] before any is moved, and some around them."""
        if self.every in ("day", "week"):
            length = 7 if self.every == "week" else 1
            start = self.start - (self.start.weekday() * _DAY if length > 1 else timedelta())
            step = length * self.interval
            begin = start + ((first - start).days // step) * step * _DAY
            offsets = [_WEEKDAYS[nth.unit] for nth in self.days] or [0]
            for periods in range((last - begin).days // step + 1):
                yield from (begin + (periods * step + offset) * _DAY for offset in offsets)
            return
        months = _MONTHS_OF[self.every]
        step, start_month = months * self.interval, _number_of(self.start) // months * months
        begin_month = start_month + (_number_of(first) - start_month) // step * step
        for number in range(begin_month, _number_of(last) + 1, step):
            for nth in self.days:
                place = self.month - 1 if self.month else 0 if nth.nth > 0 else months - 1
                day = self._nth(nth, (number + place) // 12, (number + place) % 12 + 1)
                if day is not None:
                    yield day

    def _nth(self, nth: Nth, year: int, month: int) -> date | None:
        length = monthrange(year, month)[1]
        numbers = range(1, length + 1)
        if nth.unit == "business day":
            found = [day for day in (date(year, month, number) for number in numbers) if self._is_business(day)]
        elif nth.unit == "day":
            found = [date(year, month, number) for number in numbers]
        else:
            first = (_WEEKDAYS[nth.unit] - date(year, month, 1).weekday()) % 7 + 1
            found = [date(year, month, number) for number in range(first, length + 1, 7)]
        place = nth.nth - 1 if nth.nth > 0 else len(found) + nth.nth
        return found[place] if 0 <= place < len(found) else None

    def _is_closed(self, day: date) -> bool:
        return self.closed is not None and self.closed.has(day)

    def _is_business(self, day: date) -> bool:
        return day.weekday() <= _FRIDAY and not self._is_closed(day)


@dataclass(frozen=True, slots=True)
class Walls:
    """The wall-clock times on each of the `dates`: the minute `first` of the day, and each `step`-th one after it."""

    dates: Dates
    first: int
    step: int = MINUTES_OF_DAY

    @property
    def is_wildcard(self) -> bool:
        """Whether they go by elapsed time when the clock turns."""
        return self.step < MINUTES_OF_DAY

    @property
    def times(self) -> tuple[time, ...]:
        """The times of a day, sorted."""
        return _times(self.first, self.step)

    def next_wall(self, wall: datetime) -> datetime | None:
        """The first of them strictly after `wall` (naive, whole seconds), or None."""
        day = self.dates.next_day(wall.date())
        if day == wall.date():
            place = bisect_right(self.times, wall.time())
            if place < len(self.times):
                return datetime.combine(day, self.times[place])
            day = self.dates.next_day(wall.date() + _DAY)
        return None if day is None else datetime.combine(day, self.times[0])

    def count_walls(self, low: datetime, high: datetime) -> int:
        """How many of them lie in (low, high]."""
        if high <= low:
            return 0
        return self.dates.count_days(low.date(), high.date()) * len(self.times) + self._rank(high) - self._rank(low)

    def _rank(self, wall: datetime) -> int:
        """How many times of its own day are at or before `wall`."""
        return bisect_right(self.times, wall.time()) if self.dates.next_day(wall.date()) == wall.date() else 0


@lru_cache(maxsize=256)
def _times(first: int, step: int) -> tuple[time, ...]:
    return tuple(time(minute // 60, minute % 60) for minute in range(first, MINUTES_OF_DAY, step))


@lru_cache(maxsize=2048)
def _dates(dates: Dates, year: int) -> tuple[date, ...]:
    """Those of a year, sorted, each once: two that are moved onto one day are one."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    nominal = dates.nominal(first - _REACH, last + _REACH)
    found = {day for each in nominal if (day := dates.moved(each)) is not None}
    return tuple(sorted(day for day in found if first <= day <= last))


def _number_of(day: date) -> int:
    """The months since the year 0."""
    return day.year * 12 + day.month - 1
