"""`soak`: hours of slots at a dense clock under faults, and whether memory, dead rows and connections stay what they were."""

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from local.journal import machine_time
from proof.chaos.faults import FAULTS, WEIGHTS, Attack, possible
from proof.chaos.seats import Seat
from proof.chaos.world import Setup
from proof.records import Fault
from proof.scenarios import rates, samples
from proof.scenarios.ground import Ground
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness
from proof.scenarios.samples import Sample

# A person's edits would make the load another one.
_NOT_HERE = frozenset({"person"})
_GROWTH_PERCENT = 5.0
_PATIENCE_SECONDS = 180.0
_LARGEST_PACE_DEBT = 30.0
# Autovacuum comes at a twentieth to a fifth of a table; twice that is bounded, and so are a few thousand rows.
_DEAD_SHARE, _DEAD_ROWS = 0.4, 10_000
_GROWN_TIMES, _GROWN_BYTES = 2.0, 4_000_000
_MOST_CONNECTIONS_TIMES = 1.5


class Soaked(Ground):
    """A ground where the first ticker and the first worker are immune: faults of processes are done to the others."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        super().__init__(folder, setup, is_far=True)
        self.immune: list[Seat] = []

    def protect(self) -> None:
        """Hides the immune seats from the faults."""
        self.immune = [self.of(role)[0] for role in ("ticker", "worker")]
        self.seats = [seat for seat in self.seats if seat not in self.immune]

    def _empty_seats(self) -> None:
        super()._empty_seats()
        for seat in self.immune:
            seat.kill()


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--hours", type=float, default=8.0, help="how long, also a fraction (8)")
    parser.add_argument("--faults-per-second", type=float, default=0.5, help="as far as faults end that soon (0.5)")
    parser.add_argument("--faults", help="only these, comma-separated; `none` for none")
    parser.add_argument("--rate", type=float, default=20.0, help="slots a second (20)")
    parser.add_argument("--interval", type=int, default=2, help="seconds between two slots of a schedule (2)")
    parser.add_argument("--lease", type=float, default=2.0, help="the lease in seconds (2)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two samples (10)")
    parser.add_argument("--seed", type=int, default=1)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> list[Part]:
    """One part."""
    names = set(FAULTS) - _NOT_HERE if args.faults is None else set(args.faults.split(","))
    attacks = {name: attack for name, attack in possible().items() if name in names}
    seconds = args.hours * 3600
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-soak-") as folder,
        Soaked(Path(folder), Setup(lease_seconds=args.lease, late_seconds=30.0)) as ground,
    ):
        ground.take_seats()
        ground.protect()
        ground.offer(Load("steady", rate=args.rate, interval_seconds=args.interval))
        began = time.monotonic()
        found: list[Sample] = []
        stopping = threading.Event()
        sampler = threading.Thread(target=_sample, args=(ground, began, args.every, found, stopping, tell), daemon=True)
        sampler.start()
        failed = _strike(ground, attacks, args, began + seconds, tell)
        stopping.set()
        sampler.join()
        ground.heal()
        ground.close_load()
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS)
        deaths = [seat.name for seat in ground.immune if seat.is_empty()]
        tell("judging")
        history = ground.history()
        verdict = ground.judge(history)
    memory = {seat.name: samples.growth(found, seat.name) for seat in ground.immune}
    tables = samples.dead_rows(found)
    first, last = (max(each.connections for each in part) for part in samples.tenths(found))
    goals = [
        *(
            Goal(f"growth of memory in percent, {name}", told["growthPercent"], "<=", _GROWTH_PERCENT)
            for name, told in memory.items()
        ),
        Goal("immune processes that ended", len(deaths), "=", 0),
        Goal("tables whose dead rows are not bounded", len(unbounded(tables)), "=", 0),
        Goal("most connections in the last tenth", last, "<=", _MOST_CONNECTIONS_TIMES * first),
        *soundness(verdict, is_over=is_over),
    ]
    figures: dict[str, Any] = {
        "hours": args.hours,
        "faultsPerSecond": round(len(ground.faults) / seconds, 3),
        "faultsFailed": dict(failed),
        "memory": memory,
        "unbounded": unbounded(tables),
        "tables": tables,
        "connections": {"first": first, "last": last},
        "lag": rates.spread([lag for _, lag in rates.lags(history)]),
        "samples": samples.series(found),
    }
    return [Part("soak", goals, figures | judged(verdict))]


def unbounded(tables: dict[str, dict[str, int]]) -> list[str]:
    """The tables with too many dead rows at the end, and those that should be as large as they were and are not."""
    return [
        name
        for name, told in tables.items()
        if told["deadLast"] > max(_DEAD_ROWS, _DEAD_SHARE * told["liveLast"])
        or (name in samples.STEADY and told["bytesLast"] > max(_GROWN_BYTES, _GROWN_TIMES * told["bytesFirst"]))
    ]


def _strike(
    ground: Soaked, attacks: dict[str, Attack], args: argparse.Namespace, until: float, tell: Callable[[str], None]
) -> Counter[str]:
    """Does faults at the pace until then, and returns those that failed, by name: the servers were not there for them."""
    chance = random.Random(args.seed)
    names = sorted(attacks)
    weights = [WEIGHTS.get(name, 1) for name in names]
    failed: Counter[str] = Counter()
    pause = 1 / args.faults_per_second
    due = time.monotonic()
    while (now := time.monotonic()) < until:
        ground.fill_seats()
        due = max(due + pause, now - _LARGEST_PACE_DEBT)
        time.sleep(max(0.0, min(due, until) - now))
        if not names:
            continue
        name = chance.choices(names, weights)[0]
        began = machine_time()
        target = "failed"
        try:
            with attacks[name](ground, chance) as told:
                target = told
        except Exception as error:  # noqa: BLE001  one fault that could not be done must not end hours of others
            failed[name] += 1
            tell(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            ground.heal()
        ground.faults.append(Fault(began, machine_time(), name, target))
    return failed


def _sample(
    ground: Soaked,
    began: float,
    every: float,
    found: list[Sample],
    stopping: threading.Event,
    tell: Callable[[str], None],
) -> None:
    while not stopping.wait(every):
        try:
            with ground.connect() as conn:
                found.append(samples.look(conn, [*ground.immune, *ground.seats], time.monotonic() - began))
        except psycopg.Error:
            continue
        if len(found) % 30 == 0:
            tell(str(samples.series(found[-1:])[0]))
