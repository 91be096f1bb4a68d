"""Relative date ranges of Cube queries, turned into absolute ones from an instant; pure.

Cube reads `last 7 days` by its own server's clock. Here it counts from the slot, so a late run asks what a punctual one
would have asked.
"""

import re
from datetime import date, datetime, timedelta
from typing import Any

from config.zones import zone
from workers.sources.table import SourceRefused

_ABSOLUTE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")
_UNIT = r"(day|week|month|quarter|year)"
_ONE = re.compile(rf"(this|last) {_UNIT}")
_MANY = re.compile(rf"last (\d{{1,4}}) {_UNIT}s?")
_TAKES = "today, yesterday, this or last day, week, month, quarter or year, last N of them, or absolute dates"


def absolute(found: Any, slot_at: datetime, timezone: str) -> Any:
    """Return a `dateRange` with absolute dates, both ends inclusive. Raises SourceRefused for other relative words."""
    if isinstance(found, list):
        if not 1 <= len(found) <= 2 or not all(isinstance(each, str) and _ABSOLUTE.fullmatch(each) for each in found):
            raise SourceRefused("dateRange takes one or two dates such as 2026-11-14, local to the timezone")
        return found
    if not isinstance(found, str):
        raise SourceRefused(f"dateRange takes {_TAKES}")
    words = " ".join(found.lower().split())
    if _ABSOLUTE.fullmatch(found.strip()):
        return [found.strip()] * 2
    today = slot_at.astimezone(zone(timezone)).date()
    first, last = _range(words, today)
    return [first.isoformat(), last.isoformat()]


def window(start: datetime, end: datetime, timezone: str) -> list[str]:
    """Return [start, end) as a `dateRange`: local, to the millisecond, its end inclusive."""
    local = zone(timezone)
    ends = (start.astimezone(local), (end - timedelta(milliseconds=1)).astimezone(local))
    return [each.replace(tzinfo=None).isoformat(timespec="milliseconds") for each in ends]


def _range(words: str, today: date) -> tuple[date, date]:
    if words == "today":
        return today, today
    if words == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    if one := _ONE.fullmatch(words):
        back = 1 if one[1] == "last" else 0
        return _first(today, one[2], back), _first(today, one[2], back - 1) - timedelta(days=1)
    if many := _MANY.fullmatch(words):
        return _first(today, many[2], int(many[1])), _first(today, many[2], 0) - timedelta(days=1)
    raise SourceRefused(f"dateRange takes {_TAKES}, got {words[:60]!r}")


def _first(today: date, unit: str, back: int) -> date:
    """Return the first day of the period `back` periods before that of `today`; weeks begin on Monday."""
    try:
        if unit == "day":
            return today - timedelta(days=back)
        if unit == "week":
            return today - timedelta(days=today.weekday() + 7 * back)
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        number = (today.year * 12 + today.month - 1) // months * months - months * back
        return date(number // 12, number % 12 + 1, 1)
    except (OverflowError, ValueError):
        raise SourceRefused("dateRange reaches back too far") from None
