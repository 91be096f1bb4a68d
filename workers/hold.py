"""Runs leased a little before their instant, until it comes: then the runner has them at once."""

import heapq
import threading
import time
from collections.abc import Callable, Sequence

from workers.lease import Work

Works = Sequence[tuple[Work, bool]]


class Hold:
    """Keeps works until they may begin, and hands them to the runner in place of the room granted for them."""

    def __init__(self, take: Callable[..., None]) -> None:
        self._take = take
        self._changed = threading.Condition()
        self._instants: list[tuple[float, bool]] = []
        self._works: dict[tuple[float, bool], list[tuple[Work, bool]]] = {}
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="hold", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def keep(self, works: Works, *, goes_first: bool = False) -> Works:
        """Keeps those that may not begin yet, and returns the others; `goes_first` as the runner takes it."""
        now = time.monotonic()
        early = [each for each in works if each[0].begin_at > now]
        if not early:
            return works
        with self._changed:
            if self._is_closed:
                return works
            for work, is_async in early:
                key = work.begin_at, not goes_first
                if key not in self._works:
                    heapq.heappush(self._instants, key)
                    self._works[key] = []
                self._works[key].append((work, is_async))
            self._changed.notify()
        return [each for each in works if each[0].begin_at <= now]

    def close(self) -> list[Work]:
        """Ends the thread, and returns what it kept."""
        with self._changed:
            self._is_closed = True
            kept = [work for works in self._works.values() for work, _ in works]
            self._works.clear()
            self._instants.clear()
            self._changed.notify()
        return kept

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_closed and not (self._instants and self._instants[0][0] <= time.monotonic()):
                    self._changed.wait(self._instants[0][0] - time.monotonic() if self._instants else None)
                if self._is_closed:
                    return
                key = heapq.heappop(self._instants)
                works = self._works.pop(key)
            self._take(works, len(works), goes_first=not key[1])
