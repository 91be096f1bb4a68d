"""Tickers and Redis that are lost under a steady stream of slots: how much later runs begin, and that all else is the same."""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis as Client

from local.journal import machine_time
from proof import oracle
from proof.chaos.world import Setup
from proof.invariants.case import Case, Limits
from proof.invariants.same import same_outcomes
from proof.records import History
from proof.scenarios import rates
from proof.scenarios.ground import Ground, sleep_until
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness
from proof.verdict import Verdict

_SETTLE_SECONDS = 5.0
_REDIS_SECONDS = 4.0
_PATIENCE_SECONDS = 90.0
_EXTRA_BY_TICKER, _EXTRA_BY_REDIS = 2.0, 5.0
Strike = Callable[[Ground, int], None]


def tickers(args: argparse.Namespace) -> list[Part]:
    """One of two tickers is killed, and started again at once or only before the next is killed."""
    return [_tickers(args, is_replaced=False), _tickers(args, is_replaced=True)]


def _tickers(args: argparse.Namespace, *, is_replaced: bool) -> Part:
    def strike(ground: Ground, number: int) -> None:
        ground.fill_seats()
        with ground.fault("ticker.kill", f"one of two, {'replaced at once' if is_replaced else 'not replaced'}"):
            seats = ground.of("ticker")
            seats[number % len(seats)].kill()
            if is_replaced:
                ground.fill_seats()

    every = args.away_seconds
    history, verdict, is_over, struck = _run(args, strike, args.tickers, every)
    before, after = _before_and_after(history, struck, every)
    name = "a ticker is lost, and replaced at once" if is_replaced else "a ticker is lost"
    goals = [
        Goal("p99 of the extra lag in seconds", _extra(before, after), "<=", _EXTRA_BY_TICKER),
        *soundness(verdict, is_over=is_over),
    ]
    figures = {
        "losses": len(struck),
        "leaseSeconds": args.lease,
        "offered": args.rate,
        "before": before,
        "after": after,
    }
    return Part(name, goals, figures | judged(verdict))


def redis(args: argparse.Namespace) -> list[Part]:
    """The same plan twice: without a loss, and with Redis flushed and restarted in turn."""

    def flush(ground: Ground, number: int) -> None:
        if number % 2:
            with ground.fault("redis.shutdown", "redis"):
                ground.redis.kill()
                ground.redis.start()
        else:
            with ground.fault("redis.flushall", "redis"), Client.from_url(ground.redis.url) as client:
                client.flushall()

    calm, calm_verdict, is_calm_over, _ = _run(args, _nothing, args.losses, _REDIS_SECONDS)
    history, verdict, is_over, struck = _run(args, flush, args.losses, _REDIS_SECONDS)
    differences = list(same_outcomes(_case(calm), _case(history)))
    quiet = rates.spread([lag for _, lag in rates.lags(calm)])
    goals, figures = [], {"losses": len(struck), "offered": args.rate, "without": quiet}
    for kind, when in (("flushed", struck[::2]), ("restarted", struck[1::2])):
        if when:
            after = _before_and_after(history, when, _REDIS_SECONDS)[1]
            goals.append(Goal(f"p99 of the extra lag in seconds, {kind}", _extra(quiet, after), "<=", _EXTRA_BY_REDIS))
            figures[kind] = after
    goals += [
        Goal("slots whose state or effects differ (I17)", len(differences), "=", 0),
        Goal("sound without losses", float(calm_verdict.is_sound and is_calm_over), "=", 1),
        *soundness(verdict, is_over=is_over),
    ]
    if differences:
        figures["differences"] = [each.text for each in differences[:5]]
    return [Part("redis is lost", goals, figures | judged(verdict))]


def _nothing(_ground: Ground, _number: int) -> None:
    pass


def _run(
    args: argparse.Namespace, strike: Strike, count: int, every: float
) -> tuple[History, Verdict, bool, list[float]]:
    """A steady stream, struck so often; with the instants of the strikes."""
    seconds = _SETTLE_SECONDS + args.baseline_seconds + (count + 1) * every
    struck = []
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-losses-") as folder,
        Ground(Path(folder), Setup(lease_seconds=args.lease, late_seconds=30.0)) as ground,
    ):
        ground.take_seats()
        begins = ground.offer(Load("steady", rate=args.rate, seconds=seconds))
        for number in range(count):
            sleep_until(begins + _SETTLE_SECONDS + args.baseline_seconds + number * every)
            struck.append(machine_time())
            strike(ground, number)
        sleep_until(begins + seconds)
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS)
        history = ground.history()
        return history, ground.judge(history), is_over, struck


def _before_and_after(history: History, struck: Sequence[float], every: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lag of the slots before the first strike, and of those within `every` seconds after one.

    A slot that was due just before the strike is struck too.
    """
    found = rates.lags(history)
    first = found[0][0] + _SETTLE_SECONDS
    before = [lag for due, lag in found if first <= due < struck[0] - 1]
    after = [lag for due, lag in found if any(at - 0.2 <= due < at + every for at in struck)]
    return rates.spread(before), rates.spread(after)


def _extra(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    if before["p99"] is None or after["p99"] is None:
        return None
    return round(max(0.0, float(after["p99"]) - float(before["p99"])), 3)


def _case(history: History) -> Case:
    return Case(history, oracle.expected(history), Limits())
