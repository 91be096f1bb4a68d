"""What room limits leave, and whom it is given to; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from config.environ import QUEUES
from scheduler import retries

_SECOND = timedelta(seconds=1)
_ENDPOINT = "endpoint:"
_RANKS = {queue: rank for rank, queue in enumerate(QUEUES)}

Key = tuple[UUID, str]


class Limit(NamedTuple):
    """A limit, locked. `spent_until`: up to when its rate is used; `now` is Postgres's.

    `open_until` is set while the circuit behind it is open: nobody goes before, and then one at a time. An endpoint had
    so many `retries_left` in its budget at `retries_at`.
    """

    tenant_id: UUID
    name: str
    max_running: int | None
    max_per_minute: int | None
    spent_until: datetime | None
    open_until: datetime | None
    retries_left: float | None
    retries_at: datetime | None
    now: datetime

    @property
    def key(self) -> Key:
        """Which limit it is, among all tenants'."""
        return self.tenant_id, self.name


class HeldBack(NamedTuple):
    """A run that may be released as far as its own time goes."""

    id: UUID
    slot_at: datetime
    tenant_id: UUID
    queue: str
    limited_by: list[str]
    available_at: datetime
    is_retry: bool = False
    keeps_place: bool = False


@dataclass(slots=True)
class Room:
    """What is left of a limit: `places` at once, and a rate that is spent evenly, a second's worth at once at most.

    Who keeps a place has it already and began long ago: it takes one of `kept_places`, and nothing of the rate.
    `budget` is for attempts after the first; None where nothing bounds those.
    """

    places: float
    kept_places: float
    wait: timedelta | None
    spent_until: datetime
    now: datetime
    opens_in: float = float("inf")
    budget: float | None = None

    @classmethod
    def of(cls, limit: Limit, running: int, keeping: int = 0) -> "Room":
        """The room that the limit leaves beside so many runs that are out, and so many pending ones that keep a place."""
        kept_places = float("inf") if limit.max_running is None else limit.max_running - running
        places = kept_places - keeping
        opens_in = float("inf")
        if limit.open_until is not None:
            opens_in = (limit.open_until - limit.now).total_seconds()
            tries = 0 if opens_in > 0 else 1 - running
            places, kept_places = min(places, tries), min(kept_places, tries)
        is_endpoint = limit.name.startswith(_ENDPOINT)
        budget = retries.left(limit.retries_left, limit.retries_at, limit.now) if is_endpoint else None
        if limit.max_per_minute is None:
            return cls(places, kept_places, None, limit.now, limit.now, opens_in, budget)
        wait = timedelta(minutes=1) / limit.max_per_minute
        oldest = limit.now - max(_SECOND, wait)
        return cls(places, kept_places, wait, max(oldest, limit.spent_until or oldest), limit.now, opens_in, budget)

    def left(self, *, keeps_place: bool = False) -> float:
        """How many runs may be released now, of those that keep a place or of the others; infinite: nothing bounds them."""
        if keeps_place:
            return max(0, self.kept_places)
        by_rate = float("inf") if self.wait is None else (self.now - self.spent_until) // self.wait
        return max(0, min(self.places, by_rate))

    def is_spent(self, run: HeldBack) -> bool:
        """Whether the run is a further attempt for which there is no budget."""
        return run.is_retry and self.budget is not None and self.budget < 1

    def take(self, *, is_retry: bool = False, keeps_place: bool = False) -> None:
        """Takes the room of one run."""
        self.kept_places -= 1
        self.places = min(self.places - (not keeps_place), self.kept_places)
        if self.budget is not None and (is_retry or not keeps_place):
            self.budget += -1 if is_retry else retries.SHARE
        if self.wait is not None and not keeps_place:
            self.spent_until += self.wait

    def seconds(self) -> float:
        """Seconds until the rate or the circuit leaves room again; infinite where it is neither that blocks."""
        if self.opens_in > 0 and self.opens_in != float("inf"):
            return self.opens_in
        if self.wait is None or self.places <= 0:
            return float("inf")
        return (self.spent_until + self.wait - self.now).total_seconds()


def choose(runs: Iterable[HeldBack], rooms: Mapping[Key, Room], most: int) -> list[HeldBack]:
    """The runs to release, `most` of them, while each of their limits has room.

    By queue, then those that keep a place, then who has waited longest.

    A limit without a room was taken away and blocks nobody. Takes the room of what is chosen.
    """
    chosen: list[HeldBack] = []
    for run in sorted(runs, key=_turn):
        if len(chosen) == most:
            break
        own = _rooms_of(run, rooms)
        if all(room.left(keeps_place=run.keeps_place) >= 1 and not room.is_spent(run) for room in own):
            for room in own:
                room.take(is_retry=run.is_retry, keeps_place=run.keeps_place)
            chosen.append(run)
    return chosen


def _turn(run: HeldBack) -> tuple[int, bool, datetime, UUID]:
    return _RANKS.get(run.queue, -1), not run.keeps_place, run.available_at, run.id


def put_off(
    runs: Iterable[HeldBack], chosen: Iterable[HeldBack], rooms: Mapping[Key, Room]
) -> list[tuple[HeldBack, float]]:
    """The further attempts for which nothing is left in a budget, and how many seconds each waits: others go before them."""
    gone = {run.id for run in chosen}
    spent = [run for run in runs if run.id not in gone and any(room.is_spent(run) for room in _rooms_of(run, rooms))]
    return [(run, retries.wait_seconds(place)) for place, run in enumerate(spent)]


def _rooms_of(run: HeldBack, rooms: Mapping[Key, Room]) -> list[Room]:
    return [rooms[key] for name in run.limited_by if (key := (run.tenant_id, name)) in rooms]
