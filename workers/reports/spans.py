"""Relative dates of a report, such as `yesterday` and `last_full_week`, counted from a slot in its zone; pure."""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from workers.alerting.periods import Grain, begin, shifted

_UNIT = "(week|month|quarter|year)"
_AGO = re.compile(r"(\d{1,4})_days_ago")
_EDGE = re.compile(rf"(first|last)_day_of_(last_)?{_UNIT}")
_FULL = re.compile(rf"last_full_{_UNIT}")
_TO_DATE = re.compile(rf"{_UNIT}_to_date")
_LAST = re.compile(r"last_(\d{1,4})_days")
DAYS = "today, yesterday, tomorrow, N_days_ago, first_day_of_[last_]month, last_day_of_[last_]month (so week, quarter, year)"
SPANS = "today, yesterday, last_N_days, last_full_week, week_to_date (so month, quarter, year), or two dates such as 2026-01-01/2026-01-31"


class BadDate(ValueError):
    """The text is neither a date nor a word for one; says what is taken."""


class Span(NamedTuple):
    """From an instant to another, which is no part of it."""

    start: datetime
    end: datetime


def day_of(text: str, slot: datetime, zone: ZoneInfo) -> date:
    """Return the date that a text names at a slot. Raises BadDate."""
    word = text.strip().lower()
    today = slot.astimezone(zone).date()
    try:
        if word in ("yesterday", "today", "tomorrow"):
            return today + timedelta(days=("yesterday", "today", "tomorrow").index(word) - 1)
        if ago := _AGO.fullmatch(word):
            return today - timedelta(days=int(ago[1]))
        if edge := _EDGE.fullmatch(word):
            return _edge(slot, zone, cast("Grain", edge[3]), is_first=edge[1] == "first", back=1 if edge[2] else 0)
        return date.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise BadDate(f"takes a date such as 2026-11-23, {DAYS}") from None


def span_of(text: str, slot: datetime, zone: ZoneInfo) -> Span:
    """Return the span that a text names at a slot: whole days of the zone, `to_date` and `today` up to the slot.

    Raises BadDate.
    """
    word = text.strip().lower()
    today = begin(slot, "day", zone)
    try:
        if word == "today":
            return _passed(today, slot)
        if word == "yesterday":
            return Span(shifted(today, "day", zone, -1), today)
        if (last := _LAST.fullmatch(word)) and int(last[1]):
            return Span(shifted(today, "day", zone, -int(last[1])), today)
        if full := _FULL.fullmatch(word):
            unit = cast("Grain", full[1])
            end = begin(slot, unit, zone)
            return Span(shifted(end, unit, zone, -1), end)
        if so_far := _TO_DATE.fullmatch(word):
            return _passed(begin(slot, cast("Grain", so_far[1]), zone), slot)
        first, _, end_day = text.strip().partition("/")
        return _between(date.fromisoformat(first), date.fromisoformat(end_day), zone)
    except (ValueError, OverflowError):
        raise BadDate(f"takes {SPANS}") from None


def _passed(start: datetime, slot: datetime) -> Span:
    """From a start to the slot; at midnight of the first day that is nothing yet, and a millisecond stands for it."""
    return Span(start, max(slot, start + timedelta(milliseconds=1)))


def _between(first: date, last: date, zone: ZoneInfo) -> Span:
    if first > last:
        raise ValueError("the dates are in no order")
    noons = (datetime(day.year, day.month, day.day, 12, tzinfo=zone) for day in (first, last))
    start, last_start = (begin(noon, "day", zone) for noon in noons)
    return Span(start, shifted(last_start, "day", zone, 1))


def _edge(slot: datetime, zone: ZoneInfo, unit: Grain, *, is_first: bool, back: int) -> date:
    start = shifted(begin(slot, unit, zone), unit, zone, -back)
    if is_first:
        return start.astimezone(zone).date()
    return shifted(start, unit, zone, 1).astimezone(zone).date() - timedelta(days=1)
