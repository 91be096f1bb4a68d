"""Cron expressions: which wall-clock times an expression names, and which are refused. Knows no time zone."""

import copy
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from croniter import CroniterBadDateError, CroniterError, croniter

from scheduler.fields import FIELDS, HASH, SECOND, BadRecurrence, check_field

MAX_LENGTH: Final = 250
NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIVE: Final = 5
# A day field that restricts nothing.
FREE: Final = ("*", "?")
# Slots beyond this are "never": it leaves croniter's 50-year search clear of datetime's last year.
LAST_YEAR: Final = 9000

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """The wall-clock times that an expression names: `hours` x `minutes` x `seconds` on each day of `days`.

    `days` holds croniter day expressions ("dom month dow"), two when day-of-month and day-of-week are both restricted,
    of which either may match. `is_wildcard` says that the hour field starts with `*`.
    """

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    days: tuple[str, ...]
    hash_id: str | None
    is_wildcard: bool

    @property
    def per_day(self) -> int:
        """How many times a matching day has."""
        return len(self.hours) * len(self.minutes) * len(self.seconds)

    def next_day(self, day: date) -> date | None:
        """The first matching day on or after `day`, None when there is none for 50 years."""
        found = [match for days in self.days if (match := _next_day(days, self.hash_id, day)) is not None]
        return min(found, default=None)

    def next_wall(self, wall: datetime) -> datetime | None:
        """The first matching wall-clock time strictly after `wall` (naive, whole seconds), or None."""
        day = self.next_day(wall.date())
        if day == wall.date():
            later = self._later_that_day(wall)
            if later is not None:
                return datetime.combine(day, later)
            day = self.next_day(wall.date() + _DAY)
        if day is None or day.year >= LAST_YEAR:
            return None
        return datetime.combine(day, time(self.hours[0], self.minutes[0], self.seconds[0]))

    def count_walls(self, low: datetime, high: datetime) -> int:
        """How many matching wall-clock times lie in (low, high]."""
        if high <= low:
            return 0
        return self._count_until(low.date(), high) - self._rank(low)

    def _count_until(self, first: date, high: datetime) -> int:
        """Times from the start of `first` to `high`, inclusive."""
        last = high.date()
        if self.days == ("* * *",):
            return (last - first).days * self.per_day + self._rank(high)
        total, day = 0, self.next_day(first)
        while day is not None and day < last:
            total += self.per_day
            day = self.next_day(day + _DAY)
        return total + self._rank(high)

    def _rank(self, wall: datetime) -> int:
        """How many times of its own day are at or before `wall`."""
        if self.next_day(wall.date()) != wall.date():
            return 0
        count = bisect_left(self.hours, wall.hour) * len(self.minutes) * len(self.seconds)
        if wall.hour in self.hours:
            count += bisect_left(self.minutes, wall.minute) * len(self.seconds)
            if wall.minute in self.minutes:
                count += bisect_right(self.seconds, wall.second)
        return count

    def _later_that_day(self, wall: datetime) -> time | None:
        hours, minutes, seconds = self.hours, self.minutes, self.seconds
        if wall.hour in hours:
            if wall.minute in minutes and wall.second < seconds[-1]:
                return time(wall.hour, wall.minute, seconds[bisect_right(seconds, wall.second)])
            if wall.minute < minutes[-1]:
                return time(wall.hour, minutes[bisect_right(minutes, wall.minute)], seconds[0])
        if wall.hour < hours[-1]:
            return time(hours[bisect_right(hours, wall.hour)], minutes[0], seconds[0])
        return None


@lru_cache(maxsize=16384)
def rule(expression: str, hash_id: str | None) -> Rule:
    """The rule of an expression; `hash_id` resolves `H` and is None without one. Raises BadRecurrence when refused."""
    fields = split(expression)
    second, five = ("0", fields) if len(fields) == FIVE else (fields[0], fields[1:])
    for spec, text in zip((SECOND, *FIELDS), (second, *five), strict=True):
        check_field(spec, text)
    _, hour, dom, month, dow = five
    try:
        # croniter resolves the fields; the seconds go in front, and come back last.
        key = None if hash_id is None else hash_id.encode()
        expanded, _ = croniter.expand(" ".join((second, *five)), hash_id=key, second_at_beginning=True)
    except CroniterError as error:
        raise BadRecurrence("cron", f"is not understood: {error}") from error
    if dom not in FREE and dow not in FREE:
        # Read as two day rules of which either may match: croniter's own reading of `1 * fri#2` forgets the 1st.
        days: tuple[str, ...] = (f"{dom} {month} *", f"* {month} {dow}")
    else:
        days = (f"{dom} {month} {dow}".replace("?", "*"),)
    found = Rule(
        hours=_numbers(expanded[1], 24),
        minutes=_numbers(expanded[0], 60),
        seconds=_numbers(expanded[5], 60),
        days=days,
        hash_id=hash_id,
        is_wildcard=hour.startswith("*"),
    )
    if all(_next_day(one, hash_id, date(2000, 1, 1)) is None for one in days):
        raise BadRecurrence("cron", f"can never fire: month {month} has no day {dom} ({expression})")
    return found


def split(expression: str) -> list[str]:
    """The five or six lower-case fields of an expression, nicknames expanded. Raises BadRecurrence on another count."""
    if not isinstance(expression, str):
        raise BadRecurrence("cron", f"takes text such as '0 9 * * 1-5', got {type(expression).__name__}")
    if len(expression) > MAX_LENGTH:
        raise BadRecurrence("cron", f"takes at most {MAX_LENGTH} characters, got {len(expression)}")
    text = expression.strip(" \t").lower()
    if text.startswith("@"):
        if text not in NICKNAMES:
            raise BadRecurrence("cron", f"takes the nicknames {', '.join(NICKNAMES)}, got {expression!r}")
        text = NICKNAMES[text]
    fields = re.findall(r"[^ \t]+", text)
    if len(fields) not in (FIVE, FIVE + 1):
        raise BadRecurrence(
            "cron",
            "takes five fields (minute hour day-of-month month day-of-week), six with the seconds first, "
            f"or a nickname such as @daily; got {len(fields)} fields",
        )
    return fields


def has_hash(expression: str) -> bool:
    """Whether a field is hashed by the schedule's id (`H`), so that equal expressions may mean different times."""
    return any(HASH.fullmatch(field) for field in split(expression))


@lru_cache(maxsize=65536)
def _next_day(days: str, hash_id: str | None, day: date) -> date | None:
    if days == "* * *":
        return day
    # croniter keeps its position on the object; the copy lets threads share the parsed fields.
    search = copy.copy(_day_search(days, hash_id))
    try:
        found: datetime = search.get_next(datetime, start_time=datetime.combine(day, time()) - _MINUTE)
    except (CroniterBadDateError, OverflowError):
        return None
    return found.date()


@lru_cache(maxsize=4096)
def _day_search(days: str, hash_id: str | None) -> croniter:
    return croniter(f"0 0 {days}", datetime(2000, 1, 1), hash_id=hash_id)  # noqa: DTZ001 (wall clock)


def _numbers(values: Sequence[int | str], count: int) -> tuple[int, ...]:
    return tuple(range(count)) if values[0] == "*" else tuple(sorted(int(value) for value in values))
