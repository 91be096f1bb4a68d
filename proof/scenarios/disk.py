"""`disk`: a disk that is full and one that can't keep what it was given, under load, and how soon after it all is well."""

import argparse
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from local.journal import machine_time
from proof.chaos.faults import FAULTS, left_out
from proof.chaos.world import Setup
from proof.invariants import INVARIANTS
from proof.records import Fault, History
from proof.scenarios import rates
from proof.scenarios.ground import Ground, sleep_until
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness
from proof.verdict import Verdict

PARTS = {"full": "postgres.disk_full", "sync": "postgres.sync_error"}
_SETTLE_SECONDS, _BASELINE_SECONDS = 5.0, 10.0
_PATIENCE_SECONDS = 120.0
_HEAL_SECONDS, _SHARE = 10.0, 0.98
# What is told as done and was not, and effects that nobody had written down before.
_FALSE, _WITHOUT_INTENT = ("I8", "I12"), ("I10",)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--only", help=f"these, comma-separated, out of {', '.join(PARTS)}")
    parser.add_argument("--count", type=int, default=10, help="how often each (10)")
    parser.add_argument("--every", type=float, default=15.0, help="seconds of peace after each (15)")
    parser.add_argument(
        "--lease", type=float, default=3.0, help="the lease in seconds (3); a disk is full for about one"
    )
    parser.add_argument("--rate", type=float, default=40.0, help="slots a second (40)")
    parser.add_argument("--seed", type=int, default=1)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> list[Part]:
    """A part for each fault that this machine can do; one that it can't is a part whose goals are not met."""
    parts = []
    lacking = {name: why for why, names in left_out().items() for name in names}
    for name in args.only.split(",") if args.only else PARTS:
        fault = PARTS[name]
        if fault in lacking:
            parts.append(Part(name, [Goal("done", None, "=", 1)], {"notDone": lacking[fault]}))
        else:
            parts.append(_part(name, fault, args))
        tell(parts[-1].as_text())
    return parts


def _part(name: str, fault: str, args: argparse.Namespace) -> Part:
    chance = random.Random(args.seed)
    # Everything has an effect that is witnessed, or a mail.
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-disk-") as folder,
        Ground(Path(folder), Setup(lease_seconds=args.lease, late_seconds=30.0)) as ground,
    ):
        ground.take_seats()
        begins = ground.offer(Load("steady", rate=args.rate)) + _SETTLE_SECONDS
        sleep_until(begins + _BASELINE_SECONDS)
        for _ in range(args.count):
            began = machine_time()
            with FAULTS[fault](ground, chance) as target:
                pass
            ground.faults.append(Fault(began, machine_time(), fault, target))
            sleep_until(machine_time() + args.every)
            ground.fill_seats()
        ground.close_load()
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS)
        history = ground.history()
        verdict = ground.judge(history)
    heals = _heals(history, ground.faults, begins, args)
    unhealed = sum(heal is None for heal in heals)
    known = [heal for heal in heals if heal is not None]
    goals = [
        Goal("false successes", _count(verdict, _FALSE), "=", 0),
        Goal("effects without a durable intent", _count(verdict, _WITHOUT_INTENT), "=", 0),
        Goal("most seconds until the rate is back", max(known, default=None), "<=", _HEAL_SECONDS),
        Goal("faults after which the rate did not come back", unhealed, "=", 0),
        *soundness(verdict, is_over=is_over),
    ]
    figures = {
        "leaseSeconds": args.lease,
        "offered": args.rate,
        "secondsUntilBack": rates.spread(known),
        "said": sorted({each.target for each in ground.faults})[:3],
        "faultSeconds": rates.spread([each.ended - each.began for each in ground.faults]),
    }
    return Part(name, goals, figures | judged(verdict))


def _heals(history: History, faults: list[Fault], begins: float, args: argparse.Namespace) -> list[float | None]:
    """How long after the end of each fault the rate of finished runs is what it was before the first."""
    done = rates.finishes(history)
    wanted = _SHARE * rates.rate(done, begins, faults[0].began)
    return [rates.seconds_until_back(done, each.ended, each.ended + args.every, wanted) for each in faults]


def _count(verdict: Verdict, names: tuple[str, ...]) -> int:
    assert set(names) <= set(INVARIANTS)
    return sum(finding.count for finding in verdict.findings if finding.invariant in names)
