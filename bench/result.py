"""What a bench found: figures of one run, ours and each peer's, and how they compare."""

import os
import platform
import subprocess
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
    """What the figure is to reach: `limit` itself, or `limit` times as good as that peer."""

    limit: float
    peer: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: a sample of ours for each repetition, and as many of each peer measured in between."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    samples: Sequence[float]
    peers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    goal: Goal | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

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
        if self.goal is None:
            return None
        if self.goal.peer is not None:
            return self.times_as_good(self.goal.peer) >= self.goal.limit
        return self.tocsin >= self.goal.limit if self.better == "higher" else self.tocsin <= self.goal.limit

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "better": self.better,
            "tocsin": _short(self.tocsin),
            "peers": {peer: _short(median(samples)) for peer, samples in self.peers.items()},
            "ratios": {peer: _short(self.ratio(peer)) for peer in self.peers},
            "goal": None if self.goal is None else {"limit": self.goal.limit, "peer": self.goal.peer},
            "isMet": self.is_met,
            "samples": {"tocsin": _shorts(self.samples)} | {peer: _shorts(s) for peer, s in self.peers.items()},
            "details": dict(self.details),
            "machine": machine(),
            "commit": commit(),
        }


def table(results: Sequence[Result]) -> str:
    """The results for people: one line a figure and one for each peer, ours in the first."""
    rows = []
    for result in results:
        met = {None: "", True: "met", False: "MISSED"}[result.is_met]
        own = result.goal if result.goal and result.goal.peer is None else None
        sign = "at least" if result.better == "higher" else "at most"
        rows.append(
            (
                result.name,
                "tocsin",
                f"{_short(result.tocsin):,}",
                result.unit,
                "",
                f"{sign} {own.limit:g}: {met}" if own else "",
            )
        )
        for peer, samples in result.peers.items():
            goal = result.goal if result.goal and result.goal.peer == peer else None
            aim = f"at least {goal.limit:g}x: {met}" if goal else ""
            rows.append(
                ("", peer, f"{_short(median(samples)):,}", result.unit, f"{result.times_as_good(peer):.2f}x", aim)
            )
    header = ("bench", "who", "median", "unit", "ours is", "goal")
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if number in (2, 4) else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines)


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
