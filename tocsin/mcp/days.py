"""A day as people say it, and the span of instants that it is on a wall clock; pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mcp.server.mcpserver.exceptions import ToolError

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTEST_WEEKDAY = 3


def zone_of(timezone: str) -> ZoneInfo:
    """The zone of that IANA name. Raises ToolError."""
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise ToolError("timezone: takes an IANA name, such as Europe/Paris") from None


def span_of(day: str, timezone: str, now: datetime) -> tuple[datetime, datetime]:
    """The first and the last instant of a day in a zone, in UTC; a weekday is the latest one that has begun."""
    zone = zone_of(timezone)
    found = _date_of(day, now.astimezone(zone).date())
    first = datetime.combine(found, time(), zone).astimezone(UTC)
    after = datetime.combine(found + timedelta(days=1), time(), zone).astimezone(UTC)
    return first, after - timedelta(milliseconds=1)


def _date_of(day: str, today: date) -> date:
    word = day.strip().casefold().removeprefix("last ").removeprefix("on ")
    if word in ("today", "yesterday"):
        return today - timedelta(days=int(word == "yesterday"))
    matching = [place for place, name in enumerate(_WEEKDAYS) if name.startswith(word)]
    if len(word) >= _SHORTEST_WEEKDAY and matching:
        return today - timedelta(days=(today.weekday() - matching[0]) % 7)
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise ToolError("day: takes today, yesterday, a weekday such as monday, or a date such as 2026-03-29") from None
