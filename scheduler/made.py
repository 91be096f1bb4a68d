"""Runs made ahead of their instant, until they are rung; and Postgres's clock, by which instants come."""

import heapq
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

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
    """The rings of runs made ahead. They live in this process alone: lost ones are found in Postgres."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._keys: list[tuple[datetime, UUID]] = []
        self._rings: dict[tuple[datetime, UUID], list[Ring]] = {}
        self._ripe: dict[UUID, list[Ring]] = {}

    def add(self, made: Mapping[tuple[datetime, UUID], Sequence[Ring]]) -> None:
        """Keeps the rings for their instants."""
        for key, rings in made.items():
            if key not in self._rings:
                heapq.heappush(self._keys, key)
                self._rings[key] = []
            self._rings[key] += rings

    def replace(self, made: Mapping[tuple[datetime, UUID], Sequence[Ring]]) -> None:
        """Keeps the rings in place of those kept for the same instants and tenants."""
        for key in made.keys() & self._rings.keys():
            self._rings[key].clear()
        self.add(made)

    def seconds(self) -> float:
        """Seconds until the next ring, a little before its instant; infinite when nothing is kept."""
        if self._ripe:
            return 0.0
        return self._clock.seconds_until(self._keys[0][0]) - LEAD_SECONDS if self._keys else float("inf")

    def due(self, limit: int) -> list[Ring]:
        """Takes out at most `limit` of the rings whose time has come: first those of the tenants that have the fewest."""
        while self._keys and self._clock.seconds_until(self._keys[0][0]) <= LEAD_SECONDS:
            key = heapq.heappop(self._keys)
            self._ripe.setdefault(key[1], []).extend(self._rings.pop(key))
        found: list[Ring] = []
        for tenant, rings in sorted(self._ripe.items(), key=lambda item: len(item[1])):
            room = limit - len(found)
            found += rings[:room]
            del rings[:room]
            if rings:
                break
            del self._ripe[tenant]
        return found
