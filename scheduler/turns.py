"""When a zone's clock turns: the gaps and overlaps between which local time is plain arithmetic."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from config.zones import zone

_SECOND = timedelta(seconds=1)
# No zone has turned twice within six days since 1970 (the closest is seven; tests/scheduler/test_zones.py holds tzdata
# to it), so equal offsets five days apart mean that nothing turned between.
PROBE = timedelta(days=5)


class Turn(NamedTuple):
    """At the instant `at` (naive UTC) the zone's offset goes from `before` to `after`; equal at a mere year's end."""

    at: datetime
    before: timedelta
    after: timedelta


class Stretch(NamedTuple):
    """The instants from `opening.at` up to, without, `closing.at`: `offset` holds throughout."""

    opening: Turn
    offset: timedelta
    closing: Turn


def offset_at(timezone: str, instant: datetime) -> timedelta:
    """The zone's offset from UTC at a naive UTC instant."""
    offset = instant.replace(tzinfo=UTC).astimezone(zone(timezone)).utcoffset()
    return offset if offset is not None else timedelta(0)


@lru_cache(maxsize=8192)
def turns(timezone: str, year: int) -> tuple[Turn, ...]:
    """The zone's turns in a UTC year, oldest first."""
    found = []
    low, end = datetime(year, 1, 1) - _SECOND, datetime(year + 1, 1, 1) - _SECOND  # noqa: DTZ001 (naive UTC)
    before = offset_at(timezone, low)
    while low < end:
        high = min(low + PROBE, end)
        after = offset_at(timezone, high)
        if after != before:
            found.append(Turn(_turning_point(timezone, low, high, before), before, after))
        low, before = high, after
    return tuple(found)


def stretches(timezone: str, instant: datetime) -> Iterator[Stretch]:
    """The stretches from the one that holds `instant` (naive UTC) on, without end; a year's end closes one too.

    Not so within days of a turn, whose gap or overlap may reach into the new year (Kiritimati skipped 1995-01-01).
    """
    opening, offset = _opening(timezone, instant)
    for year in count(instant.year):
        for turn in (*turns(timezone, year), _year_end(timezone, year)):
            if turn.at > instant and (turn.before != turn.after or turn.at - opening.at > PROBE):
                yield Stretch(opening, offset, turn)
                opening, offset = turn, turn.after


def _opening(timezone: str, instant: datetime) -> tuple[Turn, timedelta]:
    """The last turn at or before `instant`, or one that changes nothing, and the offset since."""
    near = instant - PROBE
    past = [turn for year in {near.year, instant.year} for turn in turns(timezone, year) if turn.at <= instant]
    if past:
        opening = max(past)
        return opening, opening.after
    offset = offset_at(timezone, instant)
    return Turn(near - _SECOND, offset, offset), offset


def _year_end(timezone: str, year: int) -> Turn:
    at = datetime(year + 1, 1, 1)  # noqa: DTZ001 (naive UTC)
    offset = turns(timezone, year)[-1].after if turns(timezone, year) else offset_at(timezone, at - _SECOND)
    return Turn(at, offset, offset)


def _turning_point(timezone: str, low: datetime, high: datetime, before: timedelta) -> datetime:
    """The first second in (low, high] whose offset is not `before`."""
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if offset_at(timezone, middle) == before:
            low = middle
        else:
            high = middle
    return high
