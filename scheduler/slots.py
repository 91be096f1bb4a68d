"""Recurrence -> slots: the nominal instants at which a schedule fires. Pure, and never asks the clock.

A cron expression and a pattern name wall-clock times. A time whose hour field starts with `*` fires at every instant whose wall
clock reads it: elapsed time goes on through gap and overlap. Any other hour field names fixed times, for which `gap`
and `fold` decide on the nights when the clock turns: see docs/decisions/0003-cron-and-daylight-saving.md.
Intervals are UTC arithmetic. A slot is a whole second of UTC for cron, and exact for intervals and one-time schedules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import takewhile
from typing import Final, NamedTuple

from config.zones import BadZone, zone
from scheduler import cron
from scheduler.cron import LAST_YEAR
from scheduler.days import LAST_YEAR_OF_HOLIDAYS, Closed
from scheduler.fields import BadRecurrence
from scheduler.nights import FOLDS, GAPS, Reading, count_instants, is_from_gap, next_instant
from scheduler.recurrence import Pattern
from scheduler.recurrence import check as check_pattern

__all__ = [
    "BadRecurrence",
    "Cron",
    "Interval",
    "Once",
    "Pattern",
    "Recurrence",
    "Slot",
    "check",
    "count_and_newest",
    "count_between",
    "first_after",
    "jittered",
    "next_open",
    "next_slot",
    "preview",
    "reading_of",
    "slots_between",
]

MAX_INTERVAL_SECONDS: Final = 10 * 366 * 86400

# Up to this many slots are listed, beyond they are counted.
_FEW: Final = 16
_SECOND = timedelta(seconds=1)
_TICK = timedelta(microseconds=1)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(LAST_YEAR, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots by wall clock: `expression` in the IANA zone `timezone`, on clock-turning nights by `gap` and `fold`.

    `hash_id` is the schedule's id, which resolves `H`. An expression without `H` forgets it, so that a herd of equal
    schedules is one value, and one search.
    """

    expression: str
    timezone: str = "UTC"
    gap: str = "end"
    fold: str = "first"
    hash_id: str = ""

    def __post_init__(self) -> None:
        if self.hash_id and not _uses_id(self.expression):
            object.__setattr__(self, "hash_id", "")


@dataclass(frozen=True, slots=True)
class Interval:
    """A slot at each `anchor` + n * `seconds`, n of either sign; no zone, no daylight saving."""

    seconds: int
    anchor: datetime


@dataclass(frozen=True, slots=True)
class Once:
    """One slot."""

    at: datetime


Recurrence = Cron | Interval | Once | Pattern


class Slot(NamedTuple):
    """A previewed slot: `at` in UTC, `local` as RFC 3339 with the zone's offset, and which night made it special.

    `dst` is "gap" when it stands for a wall-clock time that the gap swallowed, "fold_first" or "fold_second" when its
    wall-clock time comes twice that night, else None.
    """

    at: datetime
    local: str
    dst: str | None


def check(recurrence: Recurrence) -> None:
    """Passes a recurrence that may be saved. Raises BadRecurrence naming the field and what it takes."""
    if isinstance(recurrence, Cron | Pattern):
        try:
            zone(recurrence.timezone)
        except BadZone as error:
            raise BadRecurrence("timezone", str(error).removeprefix("timezone ")) from error
        for field, value, taken in (("dst_gap", recurrence.gap, GAPS), ("dst_fold", recurrence.fold, FOLDS)):
            if value not in taken:
                raise BadRecurrence(field, f"takes {', '.join(taken)}, got {value!r}")
        if isinstance(recurrence, Pattern):
            check_pattern(recurrence)
        else:
            reading_of(recurrence)
    elif isinstance(recurrence, Interval):
        _check_seconds(recurrence.seconds)
        _check_instant("interval_anchor", recurrence.anchor)
    else:
        _check_instant("scheduled_at", recurrence.at)


def first_after(recurrence: Recurrence, now: datetime) -> datetime:
    """The `after` of a schedule that has had no slot yet: `now`, and just before the only slot of a one-time one.

    So a one-time schedule whose instant has passed still has its slot ahead of it.
    """
    return recurrence.at - _SECOND if isinstance(recurrence, Once) else now


def next_slot(recurrence: Recurrence, after: datetime) -> datetime | None:
    """The first slot strictly after `after` (aware UTC), in UTC; None when there is none any more.

    Memoized for wall-clock times: equal recurrences cost one search, however many schedules have them.
    """
    if after >= _LAST:
        return None
    if isinstance(recurrence, Cron | Pattern):
        return _next_by_wall(recurrence, after)
    if isinstance(recurrence, Interval):
        step = timedelta(seconds=recurrence.seconds)
        slot = recurrence.anchor + ((after - recurrence.anchor) // step + 1) * step
        return slot if slot < _LAST else None
    return recurrence.at if recurrence.at > after else None


def next_open(recurrence: Recurrence, after: datetime, closed: Closed | None) -> datetime | None:
    """The first slot strictly after `after` on a day that is not `closed`; None when there is none any more.

    Beyond the years whose holidays are known there is none either, or a slot of holidays alone would be looked for there.
    """
    slot = next_slot(recurrence, after)
    if closed is None:
        return slot
    while slot is not None and slot.year <= LAST_YEAR_OF_HOLIDAYS:
        if not closed.holds(slot):
            return slot
        slot = next_slot(recurrence, closed.end_of_date(slot) - _TICK)
    return None


def slots_between(
    recurrence: Recurrence, after: datetime, until: datetime, limit: int, closed: Closed | None = None
) -> tuple[list[datetime], bool]:
    """The slots in (after, until] that are not `closed`, oldest first and at most `limit`, and whether there are more."""
    found: list[datetime] = []
    for slot in takewhile(lambda slot: slot <= until, _slots(recurrence, after, closed)):
        if len(found) == limit:
            return found, True
        found.append(slot)
    return found, False


def count_and_newest(
    recurrence: Recurrence, after: datetime, until: datetime, keep: int
) -> tuple[int, datetime | None, datetime | None, list[datetime]]:
    """The newest `keep` slots in (after, until], oldest first, behind how many older ones, their first and their last.

    The older ones are counted, never listed: a month of missed seconds costs a few hundred microseconds a day.
    """
    found, has_more = slots_between(recurrence, after, until, keep + _FEW)
    if not has_more:
        older = found[: max(len(found) - keep, 0)]
        return len(older), min(older, default=None), max(older, default=None), found[len(older) :]
    count = count_between(recurrence, after, until) - keep
    last = _slot_before_newest(recurrence, after, until, keep)
    return count, found[0], last, slots_between(recurrence, last, until, keep)[0]


def jittered(slot: datetime, following: datetime | None, jitter_seconds: int, seed: str) -> datetime:
    """When the slot fires: up to `jitter_seconds` later, always before `following`, and always the same for a seed.

    The share of the window depends on the seed alone, so a schedule keeps its rhythm.
    """
    if jitter_seconds <= 0:
        return slot
    window = timedelta(seconds=jitter_seconds)
    if following is not None:
        window = min(window, following - slot)
    share = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest(), "big")
    return slot + timedelta(microseconds=window // timedelta(microseconds=1) * share >> 32)


def preview(
    recurrence: Recurrence,
    after: datetime,
    count: int,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    timezone: str = "UTC",
    closed: Closed | None = None,
) -> list[Slot]:
    """The next `count` slots after `after`, as they will fire; `timezone` shows intervals and one-time schedules."""
    if starts_at is not None:
        after = max(after, starts_at - _TICK)
    shown: list[Slot] = []
    for slot in _slots(recurrence, after, closed):
        if len(shown) == count or (ends_at is not None and slot > ends_at):
            break
        local = slot.astimezone(zone(recurrence.timezone if isinstance(recurrence, Cron | Pattern) else timezone))
        shown.append(Slot(slot, local.isoformat(), _special(recurrence, slot, local)))
    return shown


def _slots(recurrence: Recurrence, after: datetime, closed: Closed | None = None) -> Iterator[datetime]:
    slot = next_open(recurrence, after, closed)
    while slot is not None:
        yield slot
        slot = next_open(recurrence, slot, closed)


def _check_seconds(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_INTERVAL_SECONDS:
        raise BadRecurrence("interval_seconds", f"takes whole seconds from 1 to {MAX_INTERVAL_SECONDS}, got {value!r}")


def _check_instant(field: str, value: object) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadRecurrence(field, f"takes a time with its offset, such as 2026-03-29T01:00:00Z, got {value!r}")
    if not _FIRST <= value < _LAST:
        raise BadRecurrence(field, f"takes a time from 1970 to {LAST_YEAR - 1}, got {value!r}")


@lru_cache(maxsize=16384)
def _uses_id(expression: str) -> bool:
    try:
        return cron.has_hash(expression)
    except BadRecurrence:
        # `check` tells what is wrong with it; a dataclass is no place to.
        return False


@lru_cache(maxsize=65536)
def _next_by_wall(recurrence: Cron | Pattern, after: datetime) -> datetime | None:
    slot = next_instant(reading_of(recurrence), _naive(after))
    return None if slot is None else slot.replace(tzinfo=UTC)


@lru_cache(maxsize=16384)
def reading_of(recurrence: Cron | Pattern) -> Reading:
    """The recurrence's wall-clock times, read in its zone."""
    if isinstance(recurrence, Pattern):
        return Reading(recurrence.walls, recurrence.timezone, recurrence.gap, recurrence.fold)
    rule = cron.rule(recurrence.expression, recurrence.hash_id if _uses_id(recurrence.expression) else None)
    return Reading(rule, recurrence.timezone, recurrence.gap, recurrence.fold)


def count_between(recurrence: Recurrence, after: datetime, until: datetime) -> int:
    """How many slots lie in (after, until]."""
    if until <= after:
        return 0
    if isinstance(recurrence, Interval):
        step = timedelta(seconds=recurrence.seconds)
        return (until - recurrence.anchor) // step - (after - recurrence.anchor) // step
    if isinstance(recurrence, Once):
        return int(after < recurrence.at <= until)
    return count_instants(reading_of(recurrence), _naive(after), _naive(until))


def _slot_before_newest(recurrence: Recurrence, after: datetime, until: datetime, keep: int) -> datetime:
    """The newest slot that has at least `keep` slots after it up to `until`; there is one."""
    if isinstance(recurrence, Interval):
        step = timedelta(seconds=recurrence.seconds)
        return recurrence.anchor + ((until - recurrence.anchor) // step - keep) * step
    low, high = after, until
    while True:
        # `low` has more than `keep` slots after it, `high` has not: the boundary between them is a slot.
        middle = low + (high - low) / 2
        if count_between(recurrence, middle, until) > keep:
            low = middle
        else:
            high = middle
        if high - low < _SECOND:
            slot = next_slot(recurrence, low)
            return slot if slot is not None else high


def _special(recurrence: Recurrence, slot: datetime, local: datetime) -> str | None:
    if isinstance(recurrence, Cron | Pattern) and is_from_gap(reading_of(recurrence), _naive(slot)):
        return "gap"
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return None
    return "fold_second" if local.fold else "fold_first"


def _naive(instant: datetime) -> datetime:
    """The instant's whole second as naive UTC, 1970 at the earliest: cron slots and turns have no fractions."""
    return max(instant, _FIRST - _SECOND).astimezone(UTC).replace(tzinfo=None, microsecond=0)
