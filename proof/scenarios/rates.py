"""Rates and waits, read from a history after the fact. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from proof.invariants.lag import percentiles
from proof.records import History, Seconds, Start

_STEP = 0.1


def finishes(history: History) -> list[Seconds]:
    """When runs succeeded, in order."""
    return sorted(move.at for move in history.run_moves if move.state == "succeeded")


def rate(instants: Sequence[Seconds], low: Seconds, high: Seconds) -> float:
    """How many of the sorted instants lie in each second of [low, high)."""
    return (bisect_left(instants, high) - bisect_left(instants, low)) / (high - low)


def seconds_until_back(
    instants: Sequence[Seconds], since: Seconds, until: Seconds, wanted: float, window: Seconds = 2.0
) -> Seconds | None:
    """How long after `since` a window begins in which the rate is as wanted; None when none does before `until`."""
    for step in range(max(0, int((until - window - since) / _STEP)) + 1):
        low = since + step * _STEP
        if rate(instants, low, low + window) >= wanted:
            return round(step * _STEP, 1)
    return None


def first_starts(starts: Iterable[Start]) -> dict[str, Start]:
    """The first start of each run."""
    found: dict[str, Start] = {}
    for start in starts:
        if start.run not in found or start.at < found[start.run].at:
            found[start.run] = start
    return found


def lags(history: History, prefix: str = "") -> list[tuple[Seconds, Seconds]]:
    """Of every run of a slot that began: when it was due and how long after that, in the order in which they were due.

    With a prefix, of the schedules whose name begins with it.
    """
    names = {version.schedule: str(version.definition.get("name", "")) for version in history.versions}
    found = [
        (start.slot / 1000, max(0.0, start.at - start.slot / 1000))
        for start in first_starts(history.starts).values()
        if names.get(start.schedule, "").startswith(prefix)
    ]
    return sorted(found)


def spread(seconds: Sequence[Seconds]) -> dict[str, Any]:
    """The percentiles in seconds, and of how many."""
    told = percentiles(seconds)
    if not told.runs:
        return {"count": 0, "p50": None, "p99": None, "max": None}
    return {
        "count": told.runs,
        **{name: round(getattr(told, name) / 1000, 3) for name in ("p50", "p99", "max")},
    }
