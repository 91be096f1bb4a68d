"""The virtual clock: events in the order of their instants, one source of chance, and the trace of what happened."""

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import count
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 30
_DEEPEST = 2

Action = Callable[[], None]


class Died(BaseException):
    """A process that was killed where it stood. No `except Exception` of the engine may see it."""


class World:
    """Time, chance and the trace. Equal seeds give equal worlds: nothing here or above asks anything else."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now = start
        self.events = 0
        self._heap: list[tuple[datetime, int, Action]] = []
        self._numbers = count()
        self._depth = 0
        self._hash = blake2b(digest_size=16)
        self._last: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def at(self, instant: datetime, action: Action) -> None:
        """Lets the action happen at the instant, or now when that has passed."""
        heapq.heappush(self._heap, (max(instant, self.now), next(self._numbers), action))

    def after(self, seconds: float, action: Action) -> None:
        """Lets the action happen in so many seconds."""
        self.at(self.now + timedelta(seconds=seconds), action)

    def run(self, until: datetime) -> None:
        """Lets everything happen that happens up to `until`."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            instant, _, action = heapq.heappop(heap)
            self.now = max(self.now, instant)
            self.events += 1
            action()
        self.now = max(self.now, until)

    def breathe(self, seconds: float) -> None:
        """Lets others go on for so long while the caller stands in the middle of something."""
        if self._depth < _DEEPEST:
            self._depth += 1
            try:
                self.run(self.now + timedelta(seconds=seconds))
            finally:
                self._depth -= 1

    def chance(self, probability: float) -> bool:
        """True once in so many times."""
        return self.rng.random() < probability

    def monotonic(self) -> float:
        """Seconds since 1970 on the virtual clock, for those who ask the monotonic one."""
        return (self.now - EPOCH).total_seconds()

    def tell(self, subject: str, text: str) -> None:
        """Adds a line to the trace of the subject, and to the hash of the whole."""
        line = f"{self.now.isoformat()} {subject} {text}"
        self._hash.update(line.encode())
        self._last[subject].append(line)

    def last(self, subject: str) -> list[str]:
        """The last thirty lines of the subject."""
        return list(self._last[subject])

    @property
    def trace_hash(self) -> str:
        """A digest of every line told so far."""
        return self._hash.hexdigest()
