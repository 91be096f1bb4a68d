"""capacity: whether what a run costs in a small herd tells how long a large one takes, as docs/capacity.md computes.

What a run costs is measured with 2,000 due at one instant; from it the model says how long 10,000 will take on this
machine, and then they are measured.
"""

import os
from dataclasses import astuple
from datetime import datetime
from statistics import median
from typing import Any

from bench.crowd import Herd, herd
from bench.model import Costs, herd_seconds_on
from bench.peers.ours import Ours
from bench.peers.peer import Loaded, Place
from bench.result import Options, Result, tell
from bench.stage import Processes, Stage

_TIMES = 5
_SIZES = """
select
    sum(pg_total_relation_size(c.oid)) filter (where c.relname ~ '^(runs|run_history|run_attempts)_\\d+$')::float8,
    sum(pg_total_relation_size(c.oid)) filter (where c.relname ~ '^(schedules|schedule_versions|schedule_history)$')::float8
from pg_class as c where c.relkind = 'r'
"""


class Weighed(Ours):
    """Ours, which also tells what schedules and runs take on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[float, float]] = []

    def start(self, processes: Processes, place: Place) -> None:
        super().start(processes, place)
        self._weigh()

    def load(self, count: int, due_at: datetime) -> Loaded:
        loaded = super().load(count, due_at)

        def is_finished() -> bool:
            if not loaded.is_finished():
                return False
            self._weigh()
            return True

        return Loaded(loaded.at_instant, is_finished)

    def bytes_each(self, count: int) -> tuple[float, float]:
        """Of a run, and of a schedule."""
        (runs, schedules), (more_runs, more_schedules) = self.sizes[0], self.sizes[-1]
        return (more_runs - runs) / count, (more_schedules - schedules) / count

    def _weigh(self) -> None:
        row = self._conn.execute(_SIZES.encode()).fetchone()
        assert row is not None
        self.sizes.append((row[0], row[1]))


def run(options: Options) -> list[Result]:
    many = options.size(10_000)
    few = max(1, many // _TIMES)
    costs: list[Costs] = []
    took: list[float] = []
    with Stage() as stage:
        for rep in range(options.reps):
            used = _herd(stage, few)[0].details["cpuMicrosecondsPerRun"]
            found, (run_bytes, schedule_bytes) = _herd(stage, many)
            of_servers = used["postgres"] + used["redis"]
            costs.append(Costs(used["ticker"], used["worker"], of_servers, run_bytes, schedule_bytes))
            took.append(found.finished)
            told = herd_seconds_on(_cores(), many, costs[-1])
            tell(f"{rep + 1}/{options.reps} {costs[-1]}: {many:,} told {told:.2f} s, took {found.finished:.2f} s")
    named = zip(Costs.__slots__, zip(*map(astuple, costs), strict=True), strict=True)
    details: dict[str, Any] = {
        "few": few,
        "many": many,
        "cores": _cores(),
        "seconds": took,
        "costs": {name: round(median(values), 1) for name, values in named},
    }
    ratios = [seconds / herd_seconds_on(_cores(), many, cost) for seconds, cost in zip(took, costs, strict=True)]
    return [Result("capacity.herd_beside_what_was_told", "x", "lower", ratios, details=details)]


def _herd(stage: Stage, count: int) -> tuple[Herd, tuple[float, float]]:
    """What became of it, and what a run and a schedule of it take on the disk."""
    peers: list[Weighed] = []

    def make() -> Weighed:
        peers.append(Weighed())
        return peers[-1]

    found = herd(stage, make, count)
    assert found.details["isDone"], f"{found.began} of {count} began"
    return found, peers[-1].bytes_each(count)


def _cores() -> int:
    return os.cpu_count() or 1
