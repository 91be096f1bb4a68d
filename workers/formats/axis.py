"""The ticks of a time axis: round steps of the calendar, each labelled with no more than it needs."""

from datetime import datetime, timedelta
from typing import NamedTuple

MOST = 7
MINUTES = (1, 5, 15, 30, 60, 180, 360, 720)
DAYS = (1, 2, 7, 14)
MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall-clock times of one zone are counted from it, to be compared
MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001  likewise


class TimeTick(NamedTuple):
    """Where a tick is, in seconds of wall-clock time, and what it says."""

    at: float
    label: str


def seconds(local: datetime) -> float:
    """Return a time's place on the axis, by the clock on the wall."""
    return (local.replace(tzinfo=None) - EPOCH).total_seconds()


def wall(at: float) -> datetime:
    """Return the clock on the wall at a place of the axis."""
    return EPOCH + timedelta(seconds=at)


def time_ticks(low: float, high: float) -> list[TimeTick]:
    """Return at most seven ticks between two places; one alone when they are the same."""
    first, last = wall(low), wall(high)
    for minutes in (*MINUTES, *(days * 1440 for days in DAYS)):
        if (last - first) / timedelta(minutes=minutes) < MOST:
            return _even(first, last, timedelta(minutes=minutes))
    for months in MONTHS:
        if (last.year - first.year) * 12 + last.month - first.month < MOST * months:
            break
    else:
        months = MONTHS[-1]
    return _monthly(first, last, months)


def _even(first: datetime, last: datetime, step: timedelta) -> list[TimeTick]:
    begin = MONDAY + -((MONDAY - first) // step) * step
    if begin < first:
        begin += step
    times = []
    while begin <= last:
        times.append(begin)
        begin += step
    times = times or [first]
    ticks, day = [], None
    for time in times:
        if step >= timedelta(days=1):
            label = f"{time.day} {time:%b}" + (f" {time.year}" if day is None or day.year != time.year else "")
        else:
            label = f"{time:%H:%M}" if day and day.date() == time.date() else f"{time.day} {time:%b} {time:%H:%M}"
        ticks.append(TimeTick(seconds(time), label))
        day = time
    return ticks


def _monthly(first: datetime, last: datetime, months: int) -> list[TimeTick]:
    number = first.year * 12 + first.month - 1
    if first > datetime(first.year, first.month, 1):  # noqa: DTZ001  wall-clock time
        number += 1
    number += -number % months
    ticks: list[TimeTick] = []
    while number <= last.year * 12 + last.month - 1:
        year, month = divmod(number, 12)
        time = datetime(year, month + 1, 1)  # noqa: DTZ001  wall-clock time
        label = f"{time:%b}" if month and ticks else f"{time:%b} {year}"
        ticks.append(TimeTick(seconds(time), str(year) if months >= 12 else label))
        number += months
    return ticks
