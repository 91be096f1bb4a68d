"""A rule's wall-clock times as instants of a zone, through the nights when its clock turns. Instants are naive UTC.

A wildcard hour fires at every instant whose wall clock the rule names. A fixed time that a gap swallows fires at the
gap's end ("end"), not at all ("skip") or as far behind the gap's start as the clock would have had it ("shift"); one
that comes twice fires the "first" time, the "second" or "both". Two times at one instant are one slot.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final, NamedTuple, Protocol

from scheduler.cron import LAST_YEAR
from scheduler.turns import Stretch, Turn, stretches

GAPS: Final = ("end", "skip", "shift")
FOLDS: Final = ("first", "second", "both")

_NOTHING = timedelta(0)
_SECOND = timedelta(seconds=1)
# Further than any wall clock is from UTC.
_REACH = timedelta(days=2)


class Rule(Protocol):
    """Wall-clock times, naive and of whole seconds."""

    @property
    def is_wildcard(self) -> bool:
        """Whether the times go by elapsed time when the clock turns."""

    def next_wall(self, wall: datetime) -> datetime | None:
        """The first of them strictly after `wall`, or None."""

    def count_walls(self, low: datetime, high: datetime) -> int:
        """How many of them lie in (low, high]."""


class Reading(NamedTuple):
    """A rule read in a zone: equal readings have equal slots."""

    rule: Rule
    timezone: str
    gap: str
    fold: str


def next_instant(reading: Reading, after: datetime) -> datetime | None:
    """The first instant strictly after `after`, None when none comes before LAST_YEAR."""
    stretch = next(stretches(reading.timezone, after))
    while stretch.opening.at.year < LAST_YEAR:
        found = _next_in_stretch(reading, stretch, after)
        if found is not None:
            return found
        # Years in which the rule names nothing need no turns of their zone.
        wall = reading.rule.next_wall(stretch.closing.at - _REACH)
        if wall is None:
            return None
        stretch = next(stretches(reading.timezone, max(stretch.closing.at, wall - _REACH)))
    return None


def count_instants(reading: Reading, after: datetime, until: datetime) -> int:
    """How many instants lie in (after, until]; whole days are multiplied, not walked."""
    near = takewhile(lambda stretch: stretch.opening.at <= until, stretches(reading.timezone, after))
    return sum(_count_in_stretch(reading, stretch, after, until) for stretch in near)


def is_from_gap(reading: Reading, instant: datetime) -> bool:
    """Whether a slot stands for a wall-clock time that the gap before it swallowed."""
    stretch = next(stretches(reading.timezone, instant))
    if stretch.opening.at == instant and _is_gap_end(reading, stretch):
        return True
    _, shifted = _pieces(reading, stretch)
    return shifted is not None and instant < shifted.end and _names(reading.rule, instant + shifted.offset)


def is_touched(reading: Reading, turn: Turn) -> bool:
    """Whether the rule names a fixed time that this turn swallows or brings twice."""
    if reading.rule.is_wildcard or turn.before == turn.after:
        return False
    low, high = sorted((turn.at + turn.before, turn.at + turn.after))
    wall = reading.rule.next_wall(low - _SECOND)
    return wall is not None and wall < high


class _Piece(NamedTuple):
    """The instants from `start` up to, without, `end` at which the rule's wall clock is the instant plus `offset`."""

    start: datetime
    end: datetime
    offset: timedelta


def _pieces(reading: Reading, stretch: Stretch) -> tuple[_Piece, _Piece | None]:
    """The stretch itself, cut for fixed times where it overlaps another, and the gap's wall clock when carried on."""
    opening, offset, closing = stretch
    start, end = opening.at, closing.at
    jump = opening.after - opening.before
    shifted = None
    if not reading.rule.is_wildcard:
        if reading.fold == "first":
            start += max(-jump, _NOTHING)
        elif reading.fold == "second":
            end -= max(closing.before - closing.after, _NOTHING)
        if reading.gap == "shift" and jump > _NOTHING:
            shifted = _Piece(opening.at, opening.at + jump, opening.before)
    return _Piece(start, end, offset), shifted


def _instants(rule: Rule, piece: _Piece, after: datetime) -> Iterator[datetime]:
    """The piece's instants after `after`, oldest first."""
    wall = rule.next_wall(max(after, piece.start - _SECOND) + piece.offset)
    while wall is not None and wall - piece.offset < piece.end:
        yield wall - piece.offset
        wall = rule.next_wall(wall)


def _next_in_stretch(reading: Reading, stretch: Stretch, after: datetime) -> datetime | None:
    if after < stretch.opening.at and _is_gap_end(reading, stretch):
        return stretch.opening.at
    regular, shifted = _pieces(reading, stretch)
    first = next(_instants(reading.rule, regular, after), None)
    carried = None if shifted is None else next(_instants(reading.rule, shifted, after), None)
    return first if carried is None or (first is not None and first < carried) else carried


def _is_gap_end(reading: Reading, stretch: Stretch) -> bool:
    """Whether a fixed time lies in the gap that opens the stretch, and fires at its end."""
    opening = stretch.opening
    if reading.rule.is_wildcard or reading.gap != "end" or opening.after <= opening.before:
        return False
    wall = reading.rule.next_wall(opening.at + opening.before - _SECOND)
    return wall is not None and wall < opening.at + opening.after


def _count_in_stretch(reading: Reading, stretch: Stretch, after: datetime, until: datetime) -> int:
    rule = reading.rule
    regular, shifted = _pieces(reading, stretch)
    first, last = max(after, regular.start - _SECOND), min(until, regular.end - _SECOND)
    count = rule.count_walls(first + regular.offset, last + regular.offset)
    extra: list[datetime] = []
    if after < stretch.opening.at and _is_gap_end(reading, stretch):
        extra = [stretch.opening.at]
    elif shifted is not None:
        extra = list(takewhile(lambda instant: instant <= until, _instants(rule, shifted, after)))
    # A time out of the gap may land on one that the expression names anyway: one instant is one slot.
    return count + sum(not _names(rule, instant + stretch.offset) for instant in extra)


def _names(rule: Rule, wall: datetime) -> bool:
    return rule.next_wall(wall - _SECOND) == wall
