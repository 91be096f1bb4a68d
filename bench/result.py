"""What a bench found: figures of one run, ours and each peer's, and how they compare."""

import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Options:
    """How often a bench repeats, and how much work it takes; None: as much as the bench itself proposes."""

    reps: int = 3
    n: int | None = None

    def size(self, proposed: int) -> int:
        return self.n or proposed


@dataclass(frozen=True, slots=True)
class Goal:
    """What the figure is to reach: `limit` itself, or `limit` times as good as that peer, or as every peer."""

    limit: float
    peer: str | None = None


EVERY_PEER = "every peer"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: a sample of ours for each repetition, and as many of each peer measured in between.

    A peer in `not_done` did not get through its work: its samples are the time it was given, which it would exceed.
    One in `absent` was not measured, for the reason told.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    samples: Sequence[float]
    peers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    goals: Sequence[Goal] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    not_done: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def tocsin(self) -> float:
        return median(self.samples)

    def ratio(self, peer: str) -> float:
        """Ours divided by the peer's: the median over pairs of one repetition, so that slow minutes cancel out."""
        return median(ours / theirs for ours, theirs in zip(self.samples, self.peers[peer], strict=True))

    def times_as_good(self, peer: str) -> float:
        return self.ratio(peer) if self.better == "higher" else 1 / self.ratio(peer)

    @property
    def is_met(self) -> bool | None:
        """Whether every goal is; None without one."""
        return all(self.meets(goal) for goal in self.goals) if self.goals else None

    def meets(self, goal: Goal) -> bool:
        if goal.peer is None:
            return self.tocsin >= goal.limit if self.better == "higher" else self.tocsin <= goal.limit
        peers = self.peers if goal.peer == EVERY_PEER else (goal.peer,)
        return all(self.times_as_good(peer) >= goal.limit for peer in peers)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "better": self.better,
            "tocsin": _short(self.tocsin),
            "peers": {peer: _short(median(samples)) for peer, samples in self.peers.items()},
            "ratios": {peer: _short(self.ratio(peer)) for peer in self.peers},
            "goals": [{"limit": goal.limit, "peer": goal.peer, "isMet": self.meets(goal)} for goal in self.goals],
            "isMet": self.is_met,
            "notDone": dict(self.not_done),
            "absent": dict(self.absent),
            "samples": {"tocsin": _shorts(self.samples)} | {peer: _shorts(s) for peer, s in self.peers.items()},
            "details": dict(self.details),
            "machine": machine(),
            "commit": commit(),
        }

    def rows(self) -> list[tuple[str, ...]]:
        """A line for us, and one for each peer."""
        found: list[tuple[str, ...]] = [
            (self.name, "tocsin", f"{_short(self.tocsin):,}", self.unit, "", self._aim(None))
        ]
        for peer, samples in self.peers.items():
            sign = ">" if peer in self.not_done else ""
            times = f"{sign}{self.times_as_good(peer):.2f}x"
            aim = ", ".join(filter(None, (self._aim(peer), self.not_done.get(peer, ""))))
            found.append(("", peer, f"{sign}{_short(median(samples)):,}", self.unit, times, aim))
        found += [("", peer, "", "", "", f"not measured: {why}") for peer, why in self.absent.items()]
        return found

    def _aim(self, peer: str | None) -> str:
        """What is aimed at beside that peer, or by ourselves, and whether it is met."""
        found = []
        for goal in self.goals:
            sign = "at least" if peer is not None or self.better == "higher" else "at most"
            if goal.peer == peer or (peer is not None and goal.peer == EVERY_PEER):
                one = goal if peer is None else Goal(goal.limit, peer)
                times = "x" if peer is not None else ""
                found.append(f"{sign} {goal.limit:g}{times}: {'met' if self.meets(one) else 'MISSED'}")
        return ", ".join(found)


def table(results: Sequence[Result]) -> str:
    """The results for people: one line a figure and one for each peer, ours in the first."""
    rows = [
        ("bench", "who", "median", "unit", "ours is", "goal"),
        *(row for result in results for row in result.rows()),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if number in (2, 4) else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def tell(text: str) -> None:
    """Says on stderr how far a long bench has come."""
    print(f"  {text}", file=sys.stderr, flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def machine() -> str:
    """The machine in one line: processor, cores, memory, kernel, Python."""
    names = [line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} x {processor}, {memory:.0f} GiB, {platform.system()} {platform.release()}, {python}"


def commit() -> str:
    """The commit measured, with `+` when files differ from it; empty outside a checkout."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _short(value: float) -> float:
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")


def _shorts(values: Sequence[float]) -> list[float]:
    return [_short(value) for value in values]
