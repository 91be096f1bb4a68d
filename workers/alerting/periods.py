"""Periods of a grain in a zone: where each begins, and which one lies before it or a season ago."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Grain = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]
Step = Literal["day", "week", "month", "year"]
Season = Literal["none", "hourOfDay", "dayOfWeek", "hourOfWeek", "monthOfYear"]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SECONDS = {"minute": 60, "hour": 3600}
# How far back the same phase of each season lies.
SEASON_STEP: dict[str, Step] = {
    "hourOfDay": "day",
    "dayOfWeek": "week",
    "hourOfWeek": "week",
    "monthOfYear": "year",
}


def begin(instant: datetime, grain: Grain, zone: ZoneInfo) -> datetime:
    """Return the start in UTC of the period that holds the instant; weeks begin on Monday.

    A day is the local one, so it has 23 or 25 hours where the clock turns; hours and minutes are those on the wall.
    """
    local = instant.astimezone(zone)
    if grain in _SECONDS:
        wall = local.replace(minute=0 if grain == "hour" else local.minute, second=0, microsecond=0)
        return wall.astimezone(UTC)
    return _midnight(_first_day(local.date(), grain), zone)


def shifted(start: datetime, grain: Grain, zone: ZoneInfo, count: int) -> datetime:
    """Return the start of the period that lies `count` periods later, earlier for a negative one."""
    if grain in _SECONDS:
        return start + timedelta(seconds=count * _SECONDS[grain])
    day = start.astimezone(zone).date()
    if grain in _MONTHS:
        return _midnight(_months_later(day, count * _MONTHS[grain]), zone)
    return _midnight(day + timedelta(days=count * (7 if grain == "week" else 1)), zone)


def ago(start: datetime, step: Step, count: int, grain: Grain | None, zone: ZoneInfo) -> datetime:
    """Return the start of the period that held the same time on the wall `count` days, weeks, months or years ago.

    A day that the month lacks is the month's last one. Without a grain it is the instant itself.
    """
    local = start.astimezone(zone)
    if step in ("day", "week"):
        day = local.date() - timedelta(days=count * (7 if step == "week" else 1))
    else:
        day = _months_later(local.date(), -count * (1 if step == "month" else 12))
    then = datetime.combine(day, local.time(), zone).astimezone(UTC)
    return begin(then, grain, zone) if grain else then


def phase(start: datetime, season: Season, zone: ZoneInfo) -> tuple[int, ...]:
    """Return what two periods of the same phase of a season have in common, such as (weekday, hour, minute)."""
    local = start.astimezone(zone)
    if season == "hourOfDay":
        return (local.hour, local.minute)
    if season == "dayOfWeek":
        return (local.weekday(),)
    if season == "hourOfWeek":
        return (local.weekday(), local.hour, local.minute)
    return (local.month,) if season == "monthOfYear" else ()


def local_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant in UTC of a time on the wall; one that the clock left out is as much later as it turned."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def is_repeated(wall: datetime, zone: ZoneInfo) -> bool:
    """Return whether a time on the wall came twice, since the clock was turned back over it."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def _first_day(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day.replace(month=1, day=1) if grain == "year" else day


def _months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
