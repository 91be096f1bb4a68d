"""Recurrences that no cron expression tells: each nth week, the last Friday, business days, what a holiday moves. Pure.

What somebody writes is read here, field by field; on which days that falls is in dates.py, and the clock's turning
nights treat its wall-clock times as those of cron: see docs/decisions/0026-recurrences.md.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final

from scheduler.dates import MINUTES_OF_DAY, Dates, Nth, Walls
from scheduler.days import Days
from scheduler.fields import BadRecurrence

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHIFTS: Final = ("skip", "none", "before", "after")
# The largest interval of each; a part of a day divides the whole, or the count would have to begin anew each midnight.
MOST: Final = {"minute": 30, "hour": 12, "day": 366, "week": 53, "month": 120, "quarter": 40, "year": 10}
# What all units take, and what each takes beside that.
_ALL: Final = frozenset({"every", "interval", "shift", "weekends"})
_BESIDE: Final = {
    "minute": frozenset[str](),
    "hour": frozenset({"minute"}),
    "day": frozenset({"from", "hour", "minute"}),
    "week": frozenset({"from", "hour", "minute", "days"}),
    "month": frozenset({"from", "hour", "minute", "days"}),
    "quarter": frozenset({"from", "hour", "minute", "days", "month"}),
    "year": frozenset({"from", "hour", "minute", "days", "month"}),
}
_MONTHS: Final = {"quarter": 3, "year": 12}
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth")
_NTH = re.compile(
    rf"(?:(?:({'|'.join(_ORDINALS)})|([1-9]\d?)(?:st|nd|rd|th)) )?(last )?(day|business day|{'|'.join(WEEKDAYS)})",
    re.ASCII,
)
_MOST_NTH: Final = {"day": 31, "business day": 23}
_MOST_DAYS: Final = 62
_FIRST_DATE, _LAST_DATE = date(1970, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Slots at the wall-clock times of `walls` in the zone `timezone`, on clock-turning nights by `gap` and `fold`."""

    walls: Walls
    timezone: str = "UTC"
    gap: str = "end"
    fold: str = "first"


def pattern(
    told: Mapping[str, Any], timezone: str = "UTC", gap: str = "end", fold: str = "first", days: Days | None = None
) -> Pattern:
    """The recurrence that somebody told, beside the days of its calendar. Raises BadRecurrence naming the field."""
    return Pattern(_walls(told, days), timezone, gap, fold)


@lru_cache(maxsize=16384)
def pattern_of(told: str, timezone: str, gap: str, fold: str, days: Days | None) -> Pattern:
    """The same of the JSON that is stored."""
    return pattern(json.loads(told), timezone, gap, fold, days)


def whole(told: Mapping[str, Any], today: date) -> dict[str, Any]:
    """What somebody told with all that it leaves open; periods that are passed over are counted from `today`'s.

    Raises BadRecurrence.
    """
    every, interval = _every(told), _interval(told)
    found: dict[str, Any] = {"every": every, "interval": interval}
    beside = _BESIDE[every]
    if "from" in beside and (interval > 1 or told.get("from") is not None):
        found["from"] = str(_start(told) or today)
    found |= {name: _number(told, name, 0, most) for name, most in (("hour", 23), ("minute", 59)) if name in beside}
    if "days" in beside:
        found["days"] = list(told["days"]) if _days(told, every) else []
    if told.get("month") is not None:
        found["month"] = _month(told, every)
    return found | {"shift": _shift(told, every), "weekends": _weekends(told)}


def check(found: Pattern) -> None:
    """Passes a recurrence that comes at all, whatever its calendar. Raises BadRecurrence."""
    dates = found.walls.dates
    if replace(dates, closed=None).next_day(date(2000, 1, 1)) is None:
        raise _refuse("days" if dates.days else "weekends", "leaves no day: this would never fire")


def moves(told: Mapping[str, Any]) -> bool:
    """Whether what falls on a day that is closed moves to another."""
    return told.get("shift") in ("before", "after")


def skips(told: Mapping[str, Any]) -> bool:
    """Whether a day of the calendar is skipped, as it is where nothing else is said."""
    return told.get("shift") in (None, "skip")


def _walls(told: Mapping[str, Any], days: Days | None) -> Walls:
    every, interval = _every(told), _interval(told)
    shift, has_weekends_off = _shift(told, every), _weekends(told)
    ordinals = _days(told, every) if "days" in _BESIDE[every] else ()
    hour, minute = _number(told, "hour", 0, 23), _number(told, "minute", 0, 59)
    is_by_clock = every in ("minute", "hour")
    dates = Dates(
        every="day" if is_by_clock else every,
        interval=1 if is_by_clock else interval,
        start=_start(told) or _FIRST_DATE,
        days=ordinals,
        month=_month(told, every),
        shift=shift,
        has_weekends_off=has_weekends_off,
        # A calendar whose days are skipped is the planner's, which records what it skips.
        closed=days if shift in ("before", "after") or any(nth.unit == "business day" for nth in ordinals) else None,
    )
    first = hour * 60 + minute
    return Walls(dates, first, {"minute": interval, "hour": 60 * interval}.get(every, MINUTES_OF_DAY))


def _every(told: Mapping[str, Any]) -> str:
    every = told.get("every")
    if every not in _BESIDE:
        raise _refuse("every", f"takes {', '.join(_BESIDE)}")
    for name, value in told.items():
        if name not in _ALL | {"from", "hour", "minute", "days", "month"}:
            raise _refuse(name, "is not a field of this")
        if value is not None and name not in _ALL | _BESIDE[every]:
            raise _refuse(name, f"takes nothing when it recurs every {every}")
    return str(every)


def _interval(told: Mapping[str, Any]) -> int:
    every = told["every"]
    found = _number(told, "interval", 1, MOST[every], 1)
    within = {"minute": 60, "hour": 24}.get(every)
    if within is not None and within % found:
        fitting = ", ".join(str(each) for each in range(1, MOST[every] + 1) if within % each == 0)
        raise _refuse("interval", f"takes {fitting} for each {every}; any other span is one of interval_seconds")
    return found


def _number(told: Mapping[str, Any], name: str, low: int, high: int, default: int = 0) -> int:
    value = told.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _refuse(name, f"takes a whole number from {low} to {high}")
    return value


def _start(told: Mapping[str, Any]) -> date | None:
    value = told.get("from")
    if value is None:
        return None
    try:
        found = value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _refuse("from", "takes a date such as 2026-01-05") from None
    if not _FIRST_DATE <= found <= _LAST_DATE:
        raise _refuse("from", f"takes a date from {_FIRST_DATE} to {_LAST_DATE}")
    return found


def _days(told: Mapping[str, Any], every: str) -> tuple[Nth, ...]:
    given = told.get("days")
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= _MOST_DAYS:
        raise _refuse("days", f"takes from 1 to {_MOST_DAYS} days when it recurs every {every}")
    nth = [_weekday(place, each) if every == "week" else _nth(place, each) for place, each in enumerate(given)]
    return tuple(sorted(set(nth)))


def _weekday(place: int, given: object) -> Nth:
    if given not in WEEKDAYS:
        raise _refuse(f"days.{place}", f"takes {', '.join(WEEKDAYS)} when it recurs every week")
    return Nth(str(given), 1)


def _nth(place: int, given: object) -> Nth:
    """The day: a number, or words such as "first mon", "2nd last fri", "5th business day"."""
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= abs(given) <= _MOST_NTH["day"]:
        return Nth("day", given)
    match = _NTH.fullmatch(given) if isinstance(given, str) else None
    if match and any(match.group(1, 2, 3)):
        word, digits, last, unit = match.groups()
        number = _ORDINALS.index(word) + 1 if word else int(digits or 1)
        if number <= _MOST_NTH.get(unit, 5):
            return Nth(unit, -number if last else number)
    raise _refuse(
        f"days.{place}",
        "takes a day of the month (1 to 31, or -1 for the last), a weekday such as 'first mon', '2nd fri' or 'last fri', "
        "or a business day such as 'first business day', '5th business day' or '2nd last business day'",
    )


def _month(told: Mapping[str, Any], every: str) -> int | None:
    return None if told.get("month") is None else _number(told, "month", 1, _MONTHS[every])


def _shift(told: Mapping[str, Any], every: str) -> str:
    shift = told.get("shift")
    fitting = SHIFTS[:2] if every in ("minute", "hour") else SHIFTS
    if shift is not None and shift not in fitting:
        raise _refuse("shift", f"takes {', '.join(fitting)} when it recurs every {every}")
    return shift or SHIFTS[0]


def _weekends(told: Mapping[str, Any]) -> bool:
    value = told.get("weekends")
    if value is not None and not isinstance(value, bool):
        raise _refuse("weekends", "takes true or false")
    return bool(value)


def _refuse(name: str, reason: str) -> BadRecurrence:
    return BadRecurrence(f"recurrence.{name}", reason)
