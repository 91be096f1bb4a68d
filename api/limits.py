"""How often somebody may ask: a bucket for each token and each tenant, and one for wrong tokens by address.

Kept in the memory of each web process, which answers for its share of the limit: no request waits for a counter, and
losing Redis opens or shuts no door.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

_MOST_BUCKETS = 20_000


class Verdict(NamedTuple):
    """Whether a request passes; how many more would now, and in how many seconds one does (or all do)."""

    is_passed: bool
    limit: int
    remaining: int
    reset_seconds: int


class Limit:
    """`per_minute` requests of each key on average, and as many at once after a minute of silence.

    Source: the generic cell rate algorithm, ITU-T I.371: a key is one instant, that at which its bucket is full again.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = max(1, per_minute)
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, key: str, per_minute: int | None = None) -> Verdict:
        """Counts one request of the key; one that does not pass is not counted."""
        limit = max(1, per_minute or self.per_minute)
        each = 60.0 / limit
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(key, now), now)
            passes = full_at + each - now <= 60.0 + 1e-9
            if passes:
                full_at += each
                self._full_at[key] = full_at
                self._forget()
        remaining = max(0, int((60.0 - (full_at - now)) / each + 1e-9))
        wait = full_at - now if passes else full_at + each - now - 60.0
        return Verdict(passes, limit, remaining, max(1, math.ceil(wait)))

    def is_spent(self, key: str) -> bool:
        """True when the key has nothing left; counts nothing."""
        with self._lock:
            now = self._clock()
            return max(self._full_at.get(key, now), now) + 60.0 / self.per_minute - now > 60.0 + 1e-9

    def _forget(self) -> None:
        """Drops the fuller half when there are too many: nobody fills a spent bucket by filling the memory."""
        if len(self._full_at) > _MOST_BUCKETS:
            by_need = sorted(self._full_at.items(), key=lambda bucket: bucket[1])
            self._full_at = dict(by_need[-_MOST_BUCKETS // 2 :])
