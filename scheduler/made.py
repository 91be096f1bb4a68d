"""Runs made ahead of their instant, until they are rung; and Postgres's clock, by which instants come."""

import heapq
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from db.runs import LEAD_SECONDS, Ring


class ServerClock:
    """Postgres's clock as last read, carried on by the monotonic one: a little late, never early."""

    def __init__(self) -> None:
        self._ahead: float | None = None

    def set(self, now: datetime) -> None:
        """Sets it to what Postgres just answered."""
        self._ahead = now.timestamp() - time.monotonic()

    def seconds_until(self, instant: datetime) -> float:
        """Seconds until Postgres will say that the instant has come; infinite as long as the clock was never set."""
        return float("inf") if self._ahead is None else instant.timestamp() - self._ahead - time.monotonic()


class Made:
    """The rings of runs made ahead, by instant. They live in this process alone: lost ones are found in Postgres."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._instants: list[datetime] = []
        self._rings: dict[datetime, list[Ring]] = {}

    def add(self, made: Mapping[datetime, Sequence[Ring]]) -> None:
        """Keeps the rings for their instants."""
        for instant, rings in made.items():
            if instant not in self._rings:
                heapq.heappush(self._instants, instant)
                self._rings[instant] = []
            self._rings[instant] += rings

    def replace(self, made: Mapping[datetime, Sequence[Ring]]) -> None:
        """Keeps the rings in place of those kept for the same instants."""
        for instant in made.keys() & self._rings.keys():
            self._rings[instant].clear()
        self.add(made)

    def seconds(self) -> float:
        """Seconds until the next ring, a little before its instant; infinite when nothing is kept."""
        return self._clock.seconds_until(self._instants[0]) - LEAD_SECONDS if self._instants else float("inf")

    def due(self, limit: int) -> list[Ring]:
        """Takes out rings whose time has come, oldest first and at most `limit` of them."""
        found: list[Ring] = []
        while len(found) < limit and self.seconds() <= 0:
            rings = self._rings[self._instants[0]]
            room = limit - len(found)
            found += rings[:room]
            del rings[:room]
            if not rings:
                del self._rings[heapq.heappop(self._instants)]
        return found
