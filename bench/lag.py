"""lag: from the slot to the start, when one schedule is due on an idle system and when a thousand are at once.

One ticker and two workers, as in the burst. Told twice: as Postgres has it (started_at, when the run may begin) and as
the handler sees it (its first line). Both on one machine, so the clocks are the same.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

import psycopg

from bench.result import Goal, Options, Result
from bench.schedules import make_schedules, make_tenant
from bench.stage import NOW, Stage, value

# Not a divisor of a second, so that slots fall on every fraction of it.
SPACING_SECONDS = 0.237
WARMING = 200


def run(options: Options) -> list[Result]:
    one, herd = options.size(120), options.size(1000)
    alone, together = Lags(), Lags()
    with Stage() as stage:
        for _ in range(options.reps):
            alone.add(*_lags(stage, -(-one // options.reps), SPACING_SECONDS))
            together.add(*_lags(stage, herd, 0.0))
    return [
        *alone.results("lag.one", {"samples": one, "spacingSeconds": SPACING_SECONDS}, 5, 50),
        *together.results("lag.1000_at_once", {"due": herd}, 100, 300),
    ]


class Lags:
    """Lags in milliseconds, a list for each repetition: to the lease, and to the handler."""

    def __init__(self) -> None:
        self.leased: list[list[float]] = []
        self.began: list[list[float]] = []

    def add(self, leased: list[float], began: list[float]) -> None:
        self.leased.append(leased)
        self.began.append(began)

    def results(self, name: str, details: dict[str, object], p50: float, p99: float) -> list[Result]:
        """The figures: percentiles of the handler's lag against their goals, and of the lease beside them."""
        return [
            Result(
                f"{name}.p{percent}",
                "ms",
                "lower",
                [percentile(lags, percent) for lags in self.began],
                goal=Goal(limit),
                details=details | {"startedAt": [round(percentile(lags, percent), 3) for lags in self.leased]},
            )
            for percent, limit in ((50, p50), (99, p99))
        ]


def _lags(stage: Stage, count: int, spacing: float) -> tuple[list[float], list[float]]:
    url = stage.database()
    stage.flush()
    with stage.processes() as processes, psycopg.connect(url, autocommit=True) as conn:
        processes.start_ours(url, workers=2)
        tenant = make_tenant(conn)
        # A small herd before anything is measured: the first runs of a process open its connections and make its plans.
        make_schedules(conn, tenant, WARMING, value(conn, NOW), kind="bench.noop", name="warm")
        conn.execute("notify tocsin")
        is_warm = f"select count(*) = {WARMING} from runs where state = 'succeeded'"
        assert processes.wait_until(lambda: bool(value(conn, is_warm)), 20), "the worker did not start"
        first_at = value(conn, NOW) + timedelta(seconds=2.5)
        make_schedules(conn, tenant, count, first_at, spacing=spacing)
        conn.execute("notify tocsin")
        assert processes.wait_until(lambda: processes.stamps.count() >= count, count * spacing + 30, 0.2), (
            "runs are missing"
        )
        began = [(at - slot) * 1000 for slot, at in processes.stamps.all()]
        leased = [
            row[0]
            for row in conn.execute(
                "select extract(epoch from started_at - slot_at)::float8 * 1000 from runs where kind = 'bench.stamp'"
            )
        ]
    stage.drop(url)
    return leased, began


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
