"""What a load needs, computed from what a run costs: `python -m bench.model --schedules 10000000 --per-day 1`.

Assumes that costs add up and that work divides evenly: by processes, and by the cores of a Postgres. docs/capacity.md tells
what of that was measured.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass

_DAY = 86_400
_WEEK = 7
# Rows a second that two tickers claim beside each other among ten million: 116 us a row, and 1.53 times one's pace.
TWO_TICKERS = 1.53 / 116e-6


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one run of a kind that does nothing: microseconds of CPU, bytes that it leaves, bytes of WAL.

    `schedule_bytes` is what a schedule takes with its version and its indexes.
    """

    ticker: float = 27.0
    worker: float = 150.0
    postgres: float = 200.0
    run_bytes: float = 1350.0
    schedule_bytes: float = 2450.0

    @property
    def together(self) -> float:
        """Microseconds of CPU on all processes together."""
        return self.ticker + self.worker + self.postgres


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked: how many schedules, how often each, how many at one instant, and what a run of their kind takes.

    `peak` is how many times as many runs the busiest hour has as the average one.
    """

    schedules: int
    per_day: float = 1.0
    at_once: float = 0.01
    peak: float = 3.0
    kind_cpu_seconds: float = 0.0
    kind_seconds: float = 0.0
    retention_days: int = 90

    @property
    def runs_per_second(self) -> float:
        """In the busiest hour."""
        return self.schedules * self.per_day / _DAY * self.peak


@dataclass(frozen=True, slots=True)
class Need:
    """In the busiest hour: cores, processes, runs under way at once; `ticking` is the share of what two tickers claim.

    Beyond 1 more installations are needed. And room on the disk.
    """

    runs_per_second: float
    ticking: float
    workers: int
    at_once: int
    postgres_cores: float
    schedule_gigabytes: float
    history_gigabytes: float
    herd_seconds: float


def need(load: Load, costs: Costs, *, share: float = 0.5, postgres_cores: int = 8) -> Need:
    """What the load needs where no core is to be busier than `share` of the time, on a Postgres of so many cores.

    A worker is a process of one core. There are two in any case, since one may be lost.
    """
    rate = load.runs_per_second
    worker_cores = rate * (costs.worker * 1e-6 + load.kind_cpu_seconds)
    weeks = math.ceil(load.retention_days / _WEEK) + 1
    history = load.schedules * load.per_day * weeks * _WEEK * costs.run_bytes
    workers = max(2, math.ceil(worker_cores / share))
    return Need(
        runs_per_second=rate,
        ticking=rate / TWO_TICKERS,
        workers=workers,
        at_once=math.ceil(rate * load.kind_seconds),
        postgres_cores=rate * costs.postgres * 1e-6 / share,
        schedule_gigabytes=load.schedules * costs.schedule_bytes / 1e9,
        history_gigabytes=history / 1e9,
        herd_seconds=herd_seconds(
            round(load.schedules * load.at_once), costs, postgres_cores, workers, load.kind_cpu_seconds
        ),
    )


def herd_seconds(count: int, costs: Costs, postgres_cores: float, workers: int, kind_cpu_seconds: float = 0.0) -> float:
    """Seconds until the last of `count` runs due at one instant has finished: what is slowest of Postgres and workers."""
    return count * max(costs.postgres / postgres_cores, (costs.worker + kind_cpu_seconds * 1e6) / workers) * 1e-6


def herd_seconds_on(cores: int, count: int, costs: Costs) -> float:
    """The same where everything shares the cores of one machine, as in a bench."""
    return count * costs.together * 1e-6 / cores


def main(argv: Sequence[str] | None = None) -> None:
    """Prints what a load needs, and what each of several installations does that divide its tenants."""
    parser = argparse.ArgumentParser(prog="python -m bench.model", description="What a load needs.")
    parser.add_argument("--schedules", type=_count, default=10_000_000)
    parser.add_argument("--per-day", type=_amount, default=1.0, help="runs of a schedule")
    parser.add_argument("--at-once", type=_amount, default=0.01, help="share of the schedules at the busiest instant")
    parser.add_argument("--peak", type=_amount, default=3.0, help="the busiest hour beside the average one")
    parser.add_argument(
        "--kind-cpu", type=_amount, default=0.0, help="seconds of a worker's CPU that a run's kind takes"
    )
    parser.add_argument("--kind-seconds", type=_amount, default=0.0, help="seconds that a run's kind takes or waits")
    parser.add_argument("--retention", type=_count, default=90, help="days")
    parser.add_argument("--postgres-cores", type=_count, default=8)
    parser.add_argument("--installations", type=_count, default=1, help="among which the tenants are divided")
    given = parser.parse_args(argv)
    load = Load(
        schedules=math.ceil(given.schedules / given.installations),
        per_day=given.per_day,
        at_once=given.at_once,
        peak=given.peak,
        kind_cpu_seconds=given.kind_cpu,
        kind_seconds=given.kind_seconds,
        retention_days=given.retention,
    )
    found = need(load, Costs(), postgres_cores=given.postgres_cores)
    for name, text in (
        ("schedules", f"{load.schedules:,}"),
        ("runs a second, busiest hour", f"{found.runs_per_second:,.0f}"),
        ("runs under way at once", f"{found.at_once:,}"),
        ("of what two tickers claim", f"{found.ticking:.0%}"),
        ("worker processes", f"{found.workers}"),
        ("cores of Postgres, half used", f"{found.postgres_cores:.1f}"),
        ("disk, schedules", f"{found.schedule_gigabytes:,.1f} GB"),
        (f"disk, {load.retention_days} days of runs", f"{found.history_gigabytes:,.0f} GB"),
        (f"herd of {round(load.schedules * load.at_once):,}", f"{found.herd_seconds:,.1f} s"),
    ):
        print(f"{name.ljust(32)}{text.rjust(16)}")
    said = too_much(found, given.postgres_cores, given.installations)
    if said:
        print(said)


def too_much(found: Need, postgres_cores: int, installations: int) -> str:
    """How many installations carry it all, or what else would, where each of so many can't; nothing where they can."""
    factor = max(found.ticking, found.postgres_cores / postgres_cores)
    if factor <= 1:
        return ""
    where = "one installation" if installations == 1 else f"each of {installations} installations"
    said = f"too much for {where}: {math.ceil(installations * factor)} of them"
    if found.ticking <= 1:
        return f"{said}, or {math.ceil(found.postgres_cores)} cores of Postgres, which has {postgres_cores}"
    whose = "two tickers claim" if factor == found.ticking else f"{postgres_cores} cores of Postgres carry"
    return f"{said}, or fewer runs: {whose} {found.runs_per_second / factor:,.0f} a second at most"


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError("takes a whole number from 1")
    return int(text)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < math.inf:
        raise argparse.ArgumentTypeError("takes a number from 0")
    return amount


if __name__ == "__main__":
    main()
