"""What should have happened, by `proof.oracle` alone: the slots of a definition, and what a tick makes of them."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from proof.oracle import closed, due_slots
from proof.simulator.rows import Change, Tick
from proof.simulator.world import EPOCH

PER_TICK: Final = 100
# A change may meet a tick that waits for its lock, and a run that was leased a tenth of a second ahead.
BESIDE: Final = timedelta(seconds=0.2)
_TICK = timedelta(microseconds=1)
_CHUNK = 400 * 86400
_INSTANTS: Final = ("interval_anchor", "scheduled_at", "starts_at", "ends_at")
_RECURRENCE: Final = (*_INSTANTS, "cron", "timezone", "dst_gap", "dst_fold", "interval_seconds")

Definition = Mapping[str, Any]


class Span(NamedTuple):
    """A time in which a schedule was active by one definition: `is_first` when it was made then."""

    definition: Definition
    began: Change
    ended: Change | None


class Calendar:
    """The slots of definitions, read from the oracle a year at a time."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], dict[int, list[datetime]]] = {}

    def slots(self, definition: Definition, after: datetime, until: datetime) -> list[datetime]:
        """The slots in (after, until]."""
        if until <= after:
            return []
        chunks = self._known.setdefault(tuple(definition[name] for name in _RECURRENCE), {})
        first, last = _seconds(after) // _CHUNK, _seconds(until) // _CHUNK
        found: list[datetime] = []
        for number in range(int(first), int(last) + 1):
            chunk = chunks.get(number)
            if chunk is None:
                chunk = chunks[number] = _read(definition, number)
            found += chunk[bisect_right(chunk, after) : bisect_right(chunk, until)]
        return found


def spans(changes: list[Change]) -> Iterator[Span]:
    """The times in which the schedule was active, oldest first."""
    for began, ended in pairwise([*changes, None]):
        if began is not None and began.status == "active":
            yield Span(began.definition, began, ended)


class Skipped(NamedTuple):
    """Consecutive slots that are skipped for one reason."""

    first: datetime
    last: datetime
    slots: int
    is_holiday: bool


def is_closed(definition: Definition, slot: datetime) -> bool:
    """Whether the slot falls on a day of its calendar."""
    days: frozenset[str] = definition["closed_days"]
    return bool(days and closed(definition, days, [round(_seconds(slot) * 1000)]))


def decisions(calendar: Calendar, tick: Tick) -> tuple[list[datetime], list[Skipped], list[datetime]]:
    """What the docs say of a tick: the slots that fire now, those that are skipped, and those that may be made ahead."""
    definition = tick.definition
    most = PER_TICK if tick.room is None else min(PER_TICK, tick.room)
    due = _due(calendar, tick)
    if definition["scheduled_at"] is not None:
        return due, [], []
    late, on_time = _by_grace([slot for slot in due if not is_closed(definition, slot)], definition, tick.at)
    kept = {"once": 0 if on_time else 1, "all": definition["misfire_limit"], "skip": 0}[definition["misfire_policy"]]
    wanted = late[max(0, len(late) - kept) :] + on_time
    fires = wanted[:most]
    if len(wanted) > most:
        # What comes behind is for the next tick.
        due = [slot for slot in due if slot < wanted[most]]
    last = due[-1] if due else tick.after
    ahead = []
    if definition["overlap_policy"] == "allow" and definition["calendar_id"] is None:
        ahead = calendar.slots(definition, max(last, tick.after), tick.at + timedelta(seconds=20))
    return fires, _ranges(due, fires, definition), ahead[: most - len(fires)]


def _ranges(due: list[datetime], fires: list[datetime], definition: Definition) -> list[Skipped]:
    """The slots between those that fire, in ranges."""
    found: list[Skipped] = []
    is_broken = True
    for slot in due:
        if slot in fires:
            is_broken = True
            continue
        is_holiday = is_closed(definition, slot)
        if is_broken or found[-1].is_holiday != is_holiday:
            found.append(Skipped(slot, slot, 1, is_holiday))
        else:
            found[-1] = found[-1]._replace(last=slot, slots=found[-1].slots + 1)
        is_broken = False
    return found


def _due(calendar: Calendar, tick: Tick) -> list[datetime]:
    """The slots that had come when the tick was made, without the newest while its jitter may keep it back."""
    after, definition = tick.after, tick.definition
    due = calendar.slots(definition, after, tick.at)
    jitter = timedelta(seconds=definition["jitter_seconds"])
    if due and due[-1] + jitter > tick.at and not _is_decided(tick, due[-1]):
        due.pop()
    return due


def _is_decided(tick: Tick, slot: datetime) -> bool:
    return slot in tick.fires or any(first <= slot <= last for first, last, *_ in tick.skips)


def _by_grace(due: list[datetime], definition: Definition, at: datetime) -> tuple[list[datetime], list[datetime]]:
    grace, jitter = definition["misfire_grace_seconds"], definition["jitter_seconds"]
    since = at - timedelta(seconds=grace + (jitter if jitter >= grace else 0))
    return [slot for slot in due if slot < since], [slot for slot in due if slot >= since]


def _read(definition: Definition, number: int) -> list[datetime]:
    given = {
        name: value.isoformat() if isinstance(value := definition[name], datetime) else value for name in _RECURRENCE
    }
    begins = number * _CHUNK
    found = due_slots(given, begins - 1e-6, begins + _CHUNK - 1e-6)
    return [EPOCH + timedelta(milliseconds=slot) for slot in found]


def _seconds(instant: datetime) -> float:
    return (instant.astimezone(UTC) - EPOCH).total_seconds()
