"""When a recurrence fires, found the slow way: every date, every offset, no code of the scheduler's."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WORDS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}


def expected(
    told: Mapping[str, Any], timezone: str, gap: str, fold: str, closed: frozenset[date], first: date, last: date
) -> list[datetime]:
    """The slots from the first instant of the date `first` to the last one of `last` by UTC, oldest first."""
    begin = datetime.combine(first, time(), UTC)
    end = datetime.combine(last + DAY, time(), UTC)
    days = _days(told, closed, first - 40 * DAY, last + 40 * DAY)
    zone = ZoneInfo(timezone)
    found: set[datetime] = set()
    if told["every"] in ("minute", "hour"):
        at = begin
        while at < end:
            wall = at.astimezone(zone)
            if wall.date() in days and _is_time(told, wall):
                found.add(at)
            at += MINUTE
    else:
        for day in days:
            wall = datetime.combine(day, time(told.get("hour", 0), told.get("minute", 0)))
            found |= _instants(wall, zone, gap, fold)
    if told.get("shift", "skip") == "skip":
        # By the date on which it would fire: a gap of a whole day moves a slot to the next one.
        found = {at for at in found if at.astimezone(zone).date() not in closed}
    return sorted(at for at in found if begin <= at < end)


def _is_time(told: Mapping[str, Any], wall: datetime) -> bool:
    if told["every"] == "minute":
        return bool(wall.minute % told.get("interval", 1) == 0)
    return bool(wall.minute == told.get("minute", 0) and wall.hour % told.get("interval", 1) == 0)


def _instants(wall: datetime, zone: ZoneInfo, gap: str, fold: str) -> set[datetime]:
    ways = [wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1)]
    real = [at for at in ways if at.astimezone(zone).replace(tzinfo=None, fold=0) == wall]
    if real:
        both = sorted(set(real))
        return {"first": {both[0]}, "second": {both[-1]}, "both": set(both)}[fold]
    # The earlier offset puts the time behind the gap, the later one before it.
    shifted, at = max(ways), min(ways)
    while at.astimezone(zone).utcoffset() != shifted.astimezone(zone).utcoffset():
        at += MINUTE
    return {"skip": set(), "end": {at}, "shift": {shifted}}[gap]


def _days(told: Mapping[str, Any], closed: frozenset[date], first: date, last: date) -> set[date]:
    found = set()
    day = first
    while day <= last:
        if _is_named(told, day, closed):
            found.add(_moved(told, day, closed))
        day += DAY
    return {day for day in found if day is not None}


def _moved(told: Mapping[str, Any], day: date, closed: frozenset[date]) -> date | None:
    is_weekend = bool(told.get("weekends")) and day.isoweekday() > 5
    shift = told.get("shift", "skip")
    if shift == "skip":
        return None if is_weekend else day
    if shift == "none" or not (day in closed or is_weekend):
        return day
    for _ in range(31):
        day += DAY if shift == "after" else -DAY
        if day.isoweekday() < 6 and day not in closed:
            return day
    return None


def _is_named(told: Mapping[str, Any], day: date, closed: frozenset[date]) -> bool:
    every, interval = told["every"], told.get("interval", 1)
    if every in ("minute", "hour"):
        return True
    start = date.fromisoformat(told.get("from", "1970-01-01"))
    if every == "day":
        return bool((day - start).days % interval == 0)
    if every == "week":
        weeks = ((day - day.weekday() * DAY) - (start - start.weekday() * DAY)).days // 7
        return weeks % interval == 0 and NAMES[day.weekday()] in told["days"]
    length = {"month": 1, "quarter": 3, "year": 12}[every]
    periods = (day.year * 12 + day.month - 1) // length - (start.year * 12 + start.month - 1) // length
    return periods % interval == 0 and any(
        (day.month - 1) % length == _place(each, told.get("month"), length) and _is_nth(each, day, closed)
        for each in told["days"]
    )


def _place(each: int | str, month: int | None, length: int) -> int:
    if month is not None:
        return month - 1
    is_from_end = each < 0 if isinstance(each, int) else "last" in each
    return length - 1 if is_from_end else 0


def _is_nth(each: int | str, day: date, closed: frozenset[date]) -> bool:
    month = [day.replace(day=1) + number * DAY for number in range(31)]
    month = [one for one in month if one.month == day.month]
    if isinstance(each, int):
        return abs(each) <= len(month) and month[each - 1 if each > 0 else each] == day
    words = each.split()
    unit = words[-1]
    if unit == "day" and "business" in words:
        month = [one for one in month if one.isoweekday() < 6 and one not in closed]
    elif unit != "day":
        month = [one for one in month if NAMES[one.weekday()] == unit]
    number = WORDS.get(words[0]) or int("".join(filter(str.isdigit, words[0])) or 1)
    if "last" in words:
        month.reverse()
    return number <= len(month) and month[number - 1] == day
