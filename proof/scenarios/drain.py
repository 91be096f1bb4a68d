"""`drain`: SIGTERM to a whole group of a ticker and its workers under load, half of them doubled; what that burns is nothing."""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from local.children import Child
from local.journal import machine_time, read_lines
from proof.chaos.world import Setup
from proof.records import History
from proof.scenarios import rates
from proof.scenarios.ground import BOOT_SECONDS, Ground
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness

_EXIT_SECONDS = 25.0
_LONGEST_EXIT = 60.0
_PATIENCE_SECONDS = 120.0
_DOUBLED_WITHIN = 0.5
_UP = ("ticker.started", "worker.started")


class Exit(NamedTuple):
    """How a process of a group ended after the first SIGTERM."""

    role: str
    seconds: float
    status: int


class Group:
    """A ticker and a supervised worker in one process group; its processes change, its name stays."""

    def __init__(self, name: str, environ: Mapping[str, str], folder: Path, processes: int) -> None:
        self._name = name
        self._environ = environ
        self._folder = folder
        self._processes = processes
        self._boots = 0
        self._child: Child | None = None

    def start(self) -> None:
        """Starts new processes."""
        self._boots += 1
        log = self._folder / f"{self._name}.{self._boots}.log"
        self._child = Child(self._name, [sys.executable, "-m", "proof.scenarios.group"], self._environ, log)
        self._child.start()

    def wait_until_up(self) -> None:
        """Returns once the ticker and every worker process have started."""
        assert self._child
        until = time.monotonic() + BOOT_SECONDS
        while True:
            said = self._child.log.read_text(errors="replace")
            if said.count(_UP[0]) >= 1 and said.count(_UP[1]) >= self._processes:
                return
            if time.monotonic() > until or not self._child.is_running():
                raise RuntimeError(f"{self._name} did not start:\n{self._child.log_end()}")
            time.sleep(0.05)

    def terminate(self, again_after: float | None) -> list[Exit]:
        """Sends SIGTERM to all of the group at once, and once more after so long; returns how each ended."""
        assert self._child
        at = machine_time()
        os.killpg(self._child.pid, signal.SIGTERM)
        if again_after is not None:
            time.sleep(again_after)
            if self._child.is_running():
                os.killpg(self._child.pid, signal.SIGTERM)
        self._child.wait(time.monotonic() + _LONGEST_EXIT)
        ends = [json.loads(line) for line in read_lines(self._child.log) if line.startswith('{"role"')]
        return [Exit(each["role"], each["at"] - at, each["status"]) for each in ends]

    def kill(self) -> None:
        """Ends all of it."""
        if self._child and self._child.is_running():
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(time.monotonic() + 5)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--count", type=int, default=200, help="SIGTERMs to a group (200)")
    parser.add_argument("--lease", type=float, default=15.0, help="the lease in seconds (15)")
    parser.add_argument("--rate", type=float, default=20.0, help="short runs a second (20)")
    parser.add_argument("--work-seconds", type=float, default=2.0, help="how long one run in a second takes (2)")
    parser.add_argument("--processes", type=int, default=2, help="worker processes of a group (2)")
    parser.add_argument(
        "--cuts", type=int, default=2, help="of the SIGTERMs, those that meet a run beyond the grace (2)"
    )
    parser.add_argument("--seed", type=int, default=1)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> list[Part]:
    """One part."""
    chance = random.Random(args.seed)
    exits: list[Exit] = []
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-drain-") as folder,
        Ground(Path(folder), Setup(lease_seconds=args.lease, late_seconds=60.0)) as ground,
        ExitStack() as closing,
    ):
        environ = {**ground.near(), "WORKER_PROCESSES": str(args.processes)}
        groups = [Group(f"group-{number}", environ, ground.folder / "log", args.processes) for number in (1, 2)]
        for group in groups:
            closing.callback(group.kill)
            group.start()
        groups[0].wait_until_up()
        ground.offer(
            # A burnt attempt is the last one, and shows as a death.
            Load("short", rate=args.rate, max_attempts=1),
            Load("long", rate=1.0, work_seconds=args.work_seconds, max_attempts=1, is_mixed=False),
        )
        for number in range(args.count - args.cuts):
            group = groups[number % 2]
            group.wait_until_up()
            time.sleep(chance.uniform(0, 1))
            with ground.fault("group.term", "doubled" if number % 2 else "once"):
                again = chance.uniform(0, _DOUBLED_WITHIN) if (number // 2) % 2 else None
                found = group.terminate(again)
            exits += found
            group.start()
            if (number + 1) % 10 == 0:
                tell(f"{number + 1} SIGTERMs")
        cut = _cut(ground, groups, args) if args.cuts else []
        ground.close_load()
        for group in groups:
            group.wait_until_up()
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS)
        history = ground.history()
        verdict = ground.judge(history)
    burnt = burnt_attempts(history)
    seconds = [each.seconds for each in exits + cut]
    goals = [
        Goal("most seconds to the exit", round(max(seconds), 3) if seconds else None, "<=", _EXIT_SECONDS),
        Goal("exits with a status other than 0", sum(each.status != 0 for each in exits + cut), "=", 0),
        Goal("processes that did not exit", (args.count * 2) - len(seconds), "=", 0),
        Goal("runs with an attempt burnt", len(burnt), "=", 0),
        Goal("runs marked dead or cancelled", sum(run.state in ("dead", "cancelled") for run in history.runs), "=", 0),
        *soundness(verdict, is_over=is_over),
    ]
    figures: dict[str, Any] = {
        "sigterms": args.count,
        "leaseSeconds": args.lease,
        "statuses": dict(Counter(f"{each.role} {each.status}" for each in exits + cut)),
        "ticker": rates.spread([each.seconds for each in exits if each.role == "ticker"]),
        "worker": rates.spread([each.seconds for each in exits if each.role == "worker"]),
        "workerBeyondGrace": rates.spread([each.seconds for each in cut if each.role == "worker"]),
    }
    figures |= {"burnt": burnt[:5]} if burnt else {}
    return [Part("groups drained", goals, figures | judged(verdict))]


def burnt_attempts(history: History) -> list[str]:
    """The runs whose success was not their first attempt, by their count: nothing here fails by itself."""
    return [f"{run.run}: {run.state}, attempt {run.attempt}" for run in history.runs if run.attempt > 1] + [
        f"{run.run}: {run.state}, attempt {run.attempt}"
        for run in history.runs
        if run.finished_at is None and run.attempt
    ]


def _cut(ground: Ground, groups: list[Group], args: argparse.Namespace) -> list[Exit]:
    """SIGTERMs to one group in turn that runs what takes longer than the grace; the other takes it over and ends it."""
    exits = []
    for number in range(args.cuts):
        group, other = groups[number % 2], groups[(number + 1) % 2]
        other.terminate(None)
        group.wait_until_up()
        ground.offer(Load(f"beyond-{number}", rate=1.0, seconds=1, work_seconds=_BEYOND_SECONDS, interval_seconds=1))
        time.sleep(_BEGUN_SECONDS)
        other.start()
        other.wait_until_up()
        with ground.fault("group.term", "beyond the grace"):
            exits += group.terminate(None)
        group.start()
        time.sleep(_BEYOND_SECONDS)
    return exits


_BEYOND_SECONDS, _BEGUN_SECONDS = 40.0, 5.0
