"""What graphs were of late, kept for some minutes: a threshold that is dragged asks its source once, and is judged many times.

What is kept is one caller's: nobody is shown what a source gave somebody else.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from workers.alerting.series import Reading

KEPT_SECONDS = 300.0
MOST_KEPT = 32
MOST_FIGURES = 400_000


class Past(NamedTuple):
    """What a graph gave, and from when to when it was asked for."""

    reading: Reading
    first: datetime
    last: datetime

    @property
    def figures(self) -> int:
        """How many figures it holds."""
        return sum(len(each.starts) for each in self.reading.series.values())


class Pasts:
    """The pasts that were asked for last, at most so many and so much; any thread may use it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, Past]] = OrderedDict()
        self._lock = Lock()

    def find(self, key: Hashable) -> Past | None:
        """The past of this key, if it is not too old."""
        with self._lock:
            found = self._kept.get(key)
            return found[1] if found is not None and time.monotonic() - found[0] < KEPT_SECONDS else None

    def keep(self, key: Hashable, past: Past) -> None:
        """Keeps a past in place of what is older than it may be, and of the oldest where there is no room."""
        with self._lock:
            now = time.monotonic()
            self._kept.pop(key, None)
            self._kept[key] = (now, past)
            while self._is_full(now):
                self._kept.popitem(last=False)

    def _is_full(self, now: float) -> bool:
        oldest = next(iter(self._kept.values()))[0]
        figures = sum(past.figures for _, past in self._kept.values())
        return len(self._kept) > MOST_KEPT or now - oldest >= KEPT_SECONDS or figures > MOST_FIGURES
