"""What an invariant looks at: one history, what was to be expected of it, and its rows found by what they are about."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

from proof.records import (
    Delivery,
    DeliveryMove,
    History,
    Millis,
    Run,
    RunMove,
    ScheduleMove,
    Seconds,
    SinkEvent,
    Start,
    Version,
)

PLANNED = frozenset({"schedule", "backfill"})
OPEN = frozenset({"pending", "queued", "running"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = TypeVar("Row", RunMove, DeliveryMove, ScheduleMove, Start)
Move = RunMove | DeliveryMove


class Expected(Protocol):
    """What should have happened, by a hand that never saw the engine."""

    @property
    def must(self) -> Mapping[str, Sequence[Millis]]:
        """The sorted slots of each schedule that must have been decided."""

    @property
    def may(self) -> Mapping[str, Sequence[Millis]]:
        """The sorted slots of each schedule that may have been decided, or not."""

    @property
    def late(self) -> Mapping[tuple[str, Millis], Seconds]:
        """When slots were due that had passed before their schedule was made."""

    @property
    def unjudged(self) -> Collection[str]:
        """The schedules of which nothing is expected."""

    def allowed(self, schedule: str, version: int, slot: Millis) -> bool:
        """Whether that version of the schedule has such a slot."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as late, early and owed.

    A start is late `lag_seconds` after its slot, the time of faults and the `recover_seconds` after each not counted,
    and early more than `early_seconds` before it. Every run of a kind in `owed` that succeeds owes so many effects:
    deliveries or keyed calls. A kind may ask for a wait of up to `later_seconds` before its next attempt.
    """

    lag_seconds: Seconds = 5.0
    recover_seconds: Seconds = 20.0
    early_seconds: Seconds = 0.001
    later_seconds: Seconds = 3600.0
    owed: Mapping[str, int] = field(default_factory=dict)


class Decision(NamedTuple):
    """The slots from `first` to `last`, which a run or a row of skips decided."""

    first: Millis
    last: Millis
    run: Run


class Lease(NamedTuple):
    """One claim of a run or a delivery, by the move that began it."""

    attempt: int
    begun: Move


@dataclass(frozen=True)
class Case:
    """A history under judgement; each index is made once, when it is first asked for."""

    history: History
    expected: Expected
    limits: Limits = Limits()

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Each run by its id."""
        return {run.run: run for run in self.history.runs}

    @cached_property
    def versions(self) -> dict[tuple[str, int], Version]:
        """Each version by its schedule and number."""
        return {(version.schedule, version.version): version for version in self.history.versions}

    @cached_property
    def schedules(self) -> set[str]:
        """The ids of all schedules."""
        return {version.schedule for version in self.history.versions}

    @cached_property
    def run_moves(self) -> dict[str, list[RunMove]]:
        """The moves of each run, in order."""
        return _grouped(self.history.run_moves, "run", "seq")

    @cached_property
    def delivery_moves(self) -> dict[str, list[DeliveryMove]]:
        """The moves of each delivery, in order."""
        return _grouped(self.history.delivery_moves, "delivery", "seq")

    @cached_property
    def schedule_moves(self) -> dict[str, list[ScheduleMove]]:
        """The moves of each schedule, in order."""
        return _grouped(self.history.schedule_moves, "schedule", "seq")

    @cached_property
    def starts(self) -> dict[str, list[Start]]:
        """What the handlers of each run said, in order."""
        return _grouped(self.history.starts, "run", "at")

    @cached_property
    def leases(self) -> dict[str, list[Lease]]:
        """The leases of each run that had one."""
        return {run: leases for run, moves in self.run_moves.items() if (leases := _leases(moves))}

    @cached_property
    def decisions(self) -> dict[str, list[Decision]]:
        """What was decided of each schedule's slots, sorted by slot."""
        found: dict[str, list[Decision]] = defaultdict(list)
        for run in self.history.runs:
            if run.schedule is not None and run.origin in PLANNED:
                found[run.schedule].append(Decision(run.slot, max(run.slot, run.skipped_until or run.slot), run))
        for decisions in found.values():
            decisions.sort(key=lambda each: each[:2])
        return found

    @cached_property
    def deliveries_of(self) -> dict[str, list[Delivery]]:
        """The deliveries of each run that has some."""
        found: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in self.history.deliveries:
            found[delivery.run].append(delivery)
        return found

    @cached_property
    def intents(self) -> dict[tuple[str, str], list[Delivery]]:
        """The deliveries of each message to each recipient: more than one only where somebody doubled them."""
        found: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
        for delivery in self.history.deliveries:
            found[_addressed(delivery.message, delivery.recipient)].append(delivery)
        return found

    @cached_property
    def mails(self) -> dict[tuple[str, str], list[SinkEvent]]:
        """What the mail sink wrote of each message to each recipient, in order.

        A mail that was cut off before it named itself, and not kept, is nobody's and harms nobody.
        """
        found: dict[tuple[str, str], list[SinkEvent]] = defaultdict(list)
        for event in self.history.sink:
            if event.sink == "smtp" and (event.key or event.phase == "kept"):
                found[_addressed(event.key, event.recipient)].append(event)
        return _timed(found)

    @cached_property
    def calls(self) -> dict[str, list[SinkEvent]]:
        """What the http sink wrote under each key, in order."""
        found: dict[str, list[SinkEvent]] = defaultdict(list)
        for event in self.history.sink:
            if event.sink == "http":
                found[event.key].append(event)
        return _timed(found)

    @cached_property
    def calls_of(self) -> dict[str, list[str]]:
        """The keys that each run called under: its id, or its id and a name of its own."""
        found: dict[str, list[str]] = defaultdict(list)
        for key in self.calls:
            found[key.partition(":")[0]].append(key)
        return found

    def kept(self, delivery: Delivery) -> list[SinkEvent]:
        """What a sink kept of the delivery, in order."""
        events = self.mails.get(_addressed(delivery.message, delivery.recipient)) or self.calls.get(delivery.message)
        return [event for event in events or () if event.phase == "kept"]

    def span(self, run: str) -> tuple[int | None, int | None]:
        """The first and the last `seq` of the run."""
        return span(self.run_moves.get(run, ()))


def span(moves: Sequence[Move | ScheduleMove]) -> tuple[int | None, int | None]:
    """The first and the last `seq` of the moves."""
    return (moves[0].seq, moves[-1].seq) if moves else (None, None)


def at(slot: Millis) -> str:
    """The slot as people write it, in UTC."""
    return (_EPOCH + timedelta(milliseconds=slot)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_claim(was: Move | None, move: Move, working: str = "running") -> bool:
    """Whether the move leases what it is of: it begins to work, or goes on under a higher fence."""
    return move.state == working and (was is None or was.state != working or move.fence > was.fence)


def _leases(moves: Sequence[RunMove]) -> list[Lease]:
    pairs = zip([None, *moves], moves, strict=False)
    return [Lease(move.attempt, move) for was, move in pairs if is_claim(was, move)]


def _addressed(message: str, recipient: str) -> tuple[str, str]:
    return message, recipient.lower()


def _grouped(rows: Iterable[Row], name: str, order: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    for each in found.values():
        each.sort(key=lambda row: getattr(row, order))
    return found


Key = TypeVar("Key")


def _timed(found: dict[Key, list[SinkEvent]]) -> dict[Key, list[SinkEvent]]:
    for events in found.values():
        events.sort(key=lambda event: event.at)
    return found
