"""`recover`: five faults under a steady load, and whether the rate of finished runs comes back, how fast, and all of it.

The five are those of the public benchmark of Postgres queues: all workers killed once, Postgres restarted, a worker
killed again and again, backends ended again and again, and a server without free connections.
"""

import argparse
import random
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from local.journal import machine_time
from proof.chaos.world import Setup
from proof.scenarios import rates
from proof.scenarios.ground import Ground, sleep_until
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness

_BURST = 2000
_MARGIN_SECONDS = 5.0
_LEFT_FREE = 3
_PATIENCE_SECONDS = 90.0
_SHARE, _BACK_SECONDS = 0.98, 10.0
Settings = argparse.Namespace
Attack = Callable[[Ground, Settings, random.Random], float]
"""Does its faults; returns the instant from which on the system is left in peace, by which recovery is measured."""


def crash(ground: Ground, _args: Settings, _chance: random.Random) -> float:
    """Every worker at once; new ones begin to boot a moment later."""
    began = machine_time()
    with ground.fault("worker.kill", "all workers"):
        for seat in ground.of("worker"):
            seat.signal(signal.SIGKILL)
        ground.fill_seats()
    return began


def restart(ground: Ground, _args: Settings, _chance: random.Random) -> float:
    """Postgres stops at once, and starts again."""
    began = machine_time()
    with ground.fault("postgres.immediate_stop", "postgres"):
        ground.postgres.restart("immediate")
    return began


def kills(ground: Ground, args: Settings, chance: random.Random) -> float:
    """One worker after the other."""
    until = time.monotonic() + args.fault_seconds
    while True:
        began = machine_time()
        with ground.fault("worker.kill", "one worker"):
            seat = chance.choice(ground.of("worker"))
            seat.kill()
            seat.fill()
        if time.monotonic() + args.every > until:
            return began
        time.sleep(args.every)


def backends(ground: Ground, args: Settings, _chance: random.Random) -> float:
    """Every connection that Tocsin has, once a second."""
    until = time.monotonic() + args.fault_seconds
    while True:
        began = machine_time()
        with ground.fault("postgres.backends_end", "all backends"), ground.connect() as conn:
            conn.execute(_END_BACKENDS)
        if time.monotonic() + 1.0 > until:
            return began
        time.sleep(1.0)


def exhaustion(ground: Ground, args: Settings, _chance: random.Random) -> float:
    """All connections but a few are somebody else's, also those that Tocsin had."""
    with ground.fault("postgres.connections_taken", "all but a few"), ExitStack() as taken:
        held: list[psycopg.Connection[Any]] = []
        with ground.connect() as conn:
            row = conn.execute("select current_setting('max_connections')::int").fetchone()
            assert row
            until = time.monotonic() + args.fault_seconds
            while len(held) < row[0] - _LEFT_FREE - 1 and time.monotonic() < until:
                try:
                    held.append(taken.enter_context(psycopg.connect(ground.url, autocommit=True, connect_timeout=5)))
                except psycopg.OperationalError:
                    conn.execute(_END_BACKENDS)
        time.sleep(max(0.0, until - time.monotonic()))
    return machine_time()


_END_BACKENDS = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name like 'tocsin %' and application_name <> 'tocsin chaos'"
)
ATTACKS: dict[str, Attack] = {
    "crash": crash,
    "postgres": restart,
    "kills": kills,
    "backends": backends,
    "connections": exhaustion,
}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--only", help=f"these, comma-separated, out of {', '.join(ATTACKS)}")
    parser.add_argument("--lease", type=float, default=15.0, help="the lease in seconds (15)")
    parser.add_argument("--rate", type=float, help="runs offered a second (a share of what a burst takes)")
    parser.add_argument("--share", type=float, default=0.5, help="that share (0.5)")
    parser.add_argument("--settle-seconds", type=float, default=10.0, help="what of the load comes before that (10)")
    parser.add_argument(
        "--baseline-seconds", type=float, default=15.0, help="how long the rate is taken before the fault (15)"
    )
    parser.add_argument("--fault-seconds", type=float, default=20.0, help="how long faults that last or repeat do (20)")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two kills (3)")
    parser.add_argument("--after-seconds", type=float, default=40.0, help="how long the rate is looked at after (40)")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)


def measure(args: Settings, tell: Callable[[str], None]) -> list[Part]:
    """A part for each fault."""
    capacity = None
    if args.rate is None:
        capacity = _capacity(args)
        args.rate = float(round(capacity * args.share))
        tell(f"a burst of {_BURST} runs went at {capacity:.0f} a second: {args.rate:g} a second are offered")
    parts = []
    for name in args.only.split(",") if args.only else ATTACKS:
        tell(name)
        parts.append(_part(name, ATTACKS[name], args, capacity))
        tell(parts[-1].as_text())
    return parts


def _setup(args: Settings) -> Setup:
    return Setup(lease_seconds=args.lease, late_seconds=30.0, postgres_settings={"max_connections": "100"})


def _capacity(args: Settings) -> float:
    """How many runs a second finish when many are due at once."""
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-recover-") as folder,
        Ground(Path(folder), _setup(args), workers=args.workers) as ground,
    ):
        ground.take_seats()
        begins = 0.0
        # The first herd warms plans and connections up.
        for name in ("warm", "burst"):
            load = Load(name, rate=_BURST / 10, seconds=9, interval_seconds=10, is_herd=True)
            begins = ground.offer(load)
            sleep_until(begins + 1)
            assert ground.wait_until_idle(_PATIENCE_SECONDS)
        done = [instant for instant in rates.finishes(ground.history()) if instant >= begins]
        return len(done) / (done[-1] - begins)


def _part(name: str, attack: Attack, args: Settings, capacity: float | None) -> Part:
    seconds = sum((args.settle_seconds, args.baseline_seconds, args.fault_seconds, args.after_seconds, _MARGIN_SECONDS))
    load = Load("steady", rate=args.rate, seconds=seconds)
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-recover-") as folder,
        Ground(Path(folder), _setup(args), workers=args.workers) as ground,
    ):
        ground.take_seats()
        offered = ground.offer(load)
        begins = offered + args.settle_seconds
        sleep_until(begins + args.baseline_seconds)
        struck = machine_time()
        healed = attack(ground, args, random.Random(args.seed))
        ends = min(offered + seconds, max(healed, machine_time()) + args.after_seconds)
        while machine_time() < ends:
            ground.fill_seats()
            time.sleep(0.2)
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS + args.lease, offered + seconds)
        history = ground.history()
        verdict = ground.judge(history)
    done = rates.finishes(history)
    baseline = rates.rate(done, begins, struck)
    last = rates.rate(done, ends - min(10.0, (ends - healed) / 2), ends)
    late = [due + lag for due, lag in rates.lags(history) if lag > 1.0 and due < ends]
    goals = [
        Goal("rate before the fault, of what is offered", round(baseline / load.rate, 4), ">=", _SHARE),
        Goal("rate after recovery, of the rate before", round(last / baseline, 4) if baseline else None, ">=", _SHARE),
        Goal(
            "seconds until the rate is back",
            rates.seconds_until_back(done, healed, ends, _SHARE * baseline) if baseline else None,
            "<=",
            _BACK_SECONDS,
        ),
        *soundness(verdict, is_over=is_over),
    ]
    figures = {
        "leaseSeconds": args.lease,
        "burst": capacity and round(capacity, 1),
        "offered": load.rate,
        "before": round(baseline, 2),
        "during": round(rates.rate(done, struck, healed), 2) if healed - struck > 1 else None,
        "after": round(last, 2),
        "secondsUntilCaughtUp": round(max(0.0, max(late, default=healed) - healed), 1),
    }
    return Part(name, goals, figures | judged(verdict))
