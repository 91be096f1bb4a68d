"""The time that faults took: what is late by it is excused."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from proof.records import Fault, Seconds


class Outages:
    """The time that faults took, each until it was over for `recovery` seconds, and each stretch counted once."""

    def __init__(self, faults: Sequence[Fault], recovery: Seconds = 0.0) -> None:
        self._begins: list[Seconds] = []
        self._ends: list[Seconds] = []
        for fault in sorted(faults):
            ended = fault.ended + recovery
            if self._ends and fault.began <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], ended)
            else:
                self._begins.append(fault.began)
                self._ends.append(ended)
        lengths = (ended - began for began, ended in zip(self._begins, self._ends, strict=True))
        self._before = [0.0, *accumulate(lengths)]

    def within(self, low: Seconds, high: Seconds) -> Seconds:
        """How many seconds of [low, high] lie in faults."""
        return self._until(high) - self._until(low)

    def touch(self, low: Seconds, high: Seconds) -> bool:
        """Whether a fault overlaps [low, high]."""
        return self.last(low, high) is not None

    def last(self, low: Seconds, high: Seconds) -> Seconds | None:
        """When the last fault that overlaps [low, high] ended; None without one."""
        before = bisect_right(self._begins, high)
        return self._ends[before - 1] if before > 0 and self._ends[before - 1] >= low else None

    def after(self, low: Seconds, seconds: Seconds) -> Seconds:
        """The instant by which `seconds` without a fault have passed since `low`."""
        end = low + seconds
        for place in range(bisect_left(self._ends, low), len(self._ends)):
            if self._begins[place] > end:
                break
            end += self._ends[place] - max(self._begins[place], low)
        return end

    def before(self, high: Seconds, seconds: Seconds) -> Seconds:
        """The instant since which `seconds` without a fault have passed until `high`."""
        start = high - seconds
        for place in reversed(range(bisect_right(self._begins, high))):
            if self._ends[place] < start:
                break
            start -= min(self._ends[place], high) - self._begins[place]
        return start

    def _until(self, instant: Seconds) -> Seconds:
        past = bisect_left(self._begins, instant)
        return self._before[past] - (max(0.0, self._ends[past - 1] - instant) if past else 0.0)
