"""Redis that is away for minutes: work goes on by the look alone, at which rate and how late."""

import argparse
import tempfile
from pathlib import Path

from local.journal import machine_time
from proof.chaos.world import Setup
from proof.scenarios import rates
from proof.scenarios.ground import Ground, sleep_until
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness

_SETTLE_SECONDS, _AFTER_SECONDS = 5.0, 15.0
_PATIENCE_SECONDS = 90.0
_SHARE = 0.98


def measure(args: argparse.Namespace) -> list[Part]:
    """The part about Redis being away."""
    seconds = args.minutes * 60
    whole = _SETTLE_SECONDS + args.baseline_seconds + seconds + _AFTER_SECONDS
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-outage-") as folder,
        Ground(Path(folder), Setup(lease_seconds=args.lease, late_seconds=30.0)) as ground,
    ):
        ground.take_seats()
        begins = ground.offer(Load("steady", rate=args.rate, seconds=whole))
        sleep_until(begins + _SETTLE_SECONDS + args.baseline_seconds)
        with ground.fault("redis.shutdown", f"redis for {seconds:g} s"):
            down = machine_time()
            ground.redis.kill()
            sleep_until(down + seconds)
            ground.redis.start()
            up = machine_time()
        sleep_until(begins + whole)
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS)
        history = ground.history()
        verdict = ground.judge(history)
    found = rates.lags(history)
    done = rates.finishes(history)
    during = rates.rate(done, down + min(5.0, seconds / 3), up)
    goals = [
        Goal("rate of finished runs during the outage, of what is offered", round(during / args.rate, 4), ">=", _SHARE),
        *soundness(verdict, is_over=is_over),
    ]
    figures = {
        "minutes": args.minutes,
        "offered": args.rate,
        "during": round(during, 2),
        "lagBefore": rates.spread([lag for due, lag in found if begins + _SETTLE_SECONDS <= due < down]),
        "lagDuring": rates.spread([lag for due, lag in found if down <= due < up]),
        "lagAfter": rates.spread([lag for due, lag in found if due >= up + _SETTLE_SECONDS]),
        "slotsOfTheOutage": sum(down <= due < up for due, _ in found),
    }
    return [Part("redis is away", goals, figures | judged(verdict))]
