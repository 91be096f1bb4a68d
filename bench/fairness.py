"""fairness: how late a small tenant's runs begin while another tenant has 50,000 due, beside how late when it is alone.

Same queue, same workers, and as little due of the small tenant as in `lag`: one after the other, all the while. Then the
same again with a limit on the other tenant, which lets so many of its runs out at once: for as long as a window is, for
its crowd takes minutes.
"""

import math
import time
from datetime import datetime, timedelta

import psycopg

from bench.lag import SPACING_SECONDS, warm
from bench.result import Goal, Options, Result, percentile, tell
from bench.schedules import make_schedules
from bench.stage import NOW, Processes, Stage, value

_SAMPLES = 200
_LIMIT_SECONDS = 120.0
_LEAD_SECONDS = 3.0
_LOADED_A_SECOND = 2000
_MAX_RUNNING = 4
_WINDOW_SECONDS = 60.0
_LIMIT = "insert into limits (tenant_id, name, max_running) select t.id, 'tenant', %s from tenants as t where t.slug = 'bench'"


def run(options: Options) -> list[Result]:
    crowd = options.size(50_000)
    return [
        *_measured(options, "fairness", crowd, None),
        *_measured(options, "fairness.limited", crowd, _MAX_RUNNING),
    ]


def _measured(options: Options, name: str, crowd: int, max_running: int | None) -> list[Result]:
    idle: list[float] = []
    beside: list[float] = []
    crowd_seconds: list[float] = []
    middles: list[dict[str, float]] = []
    for rep in range(options.reps):
        with Stage() as stage, stage.processes() as processes:
            url = stage.database()
            with psycopg.connect(url, autocommit=True) as conn:
                warm(processes, conn, url)
                alone = _alone(processes, conn)
                if max_running is not None:
                    conn.execute(_LIMIT, (max_running,))
                window = None if max_running is None else _WINDOW_SECONDS
                crowded, seconds = _crowded(processes, conn, crowd, window)
        idle.append(percentile(alone, 99))
        beside.append(percentile(crowded, 99))
        crowd_seconds.append(round(seconds, 3))
        middles.append({"idle": round(percentile(alone, 50), 2), "crowded": round(percentile(crowded, 50), 2)})
        tell(
            f"{rep + 1}/{options.reps} p99 {idle[-1]:.1f} ms alone, {beside[-1]:.1f} ms beside {crowd:,} in {seconds:.1f} s"
        )
    details = {"crowd": crowd, "crowdSeconds": crowd_seconds, "p50": middles, "spacingSeconds": SPACING_SECONDS}
    details |= {} if max_running is None else {"maxRunning": max_running}
    ratios = [late / alone for late, alone in zip(beside, idle, strict=True)]
    return [
        Result(f"{name}.small_tenant.p99", "ms", "lower", beside, {"when alone": idle}, details=details),
        Result(f"{name}.times_as_late", "x", "lower", ratios, goals=[Goal(2)]),
    ]


def _alone(processes: Processes, conn: psycopg.Connection[tuple[object, ...]]) -> list[float]:
    """Milliseconds of lag of the small tenant's runs while nothing else is due."""
    now: datetime = value(conn, NOW)
    tenant = value(conn, "insert into tenants (slug, name) values ('small', 'Small') returning id")
    make_schedules(conn, tenant, _SAMPLES, now + timedelta(seconds=2.5), name="alone", spacing=SPACING_SECONDS)
    conn.execute("notify tocsin")
    limit = _SAMPLES * SPACING_SECONDS + 30
    assert processes.wait_until(lambda: processes.stamps.count() >= _SAMPLES, limit, 0.2), "runs are missing"
    return [(at - slot) * 1000 for slot, at in processes.stamps.all()]


def _crowded(
    processes: Processes, conn: psycopg.Connection[tuple[object, ...]], crowd: int, window: float | None
) -> tuple[list[float], float]:
    """Milliseconds of lag of the small tenant's runs while the other's are being run, and how long those took.

    With a window, for so many seconds at most.
    """
    before = processes.stamps.count()
    now: datetime = value(conn, NOW)
    due_at = now + timedelta(seconds=_LEAD_SECONDS + crowd / _LOADED_A_SECOND)
    due = due_at.timestamp()
    large, small = (value(conn, "select id from tenants where slug = %s", slug) for slug in ("bench", "small"))
    make_schedules(conn, large, crowd, due_at, interval=3600)
    # As many as the longest run of the crowd could need; those after its end are left aside.
    count = math.ceil(_LIMIT_SECONDS / SPACING_SECONDS)
    # However fast the crowd is, the first of them comes while it is there.
    first_at = due_at + timedelta(milliseconds=1)
    make_schedules(conn, small, count, first_at, name="beside", spacing=SPACING_SECONDS)
    conn.execute("notify tocsin")
    assert time.time() < due, "loading took longer than planned"

    def is_of_crowd(slot: float) -> bool:
        # The small tenant's have their instants elsewhere.
        return abs(slot - due) < 0.0005

    def is_crowd_over() -> bool:
        stamps = processes.stamps
        return stamps.count() - before >= crowd and sum(is_of_crowd(slot) for slot, _ in stamps.all()[before:]) >= crowd

    is_over = processes.wait_until(is_crowd_over, due - time.time() + (window or _LIMIT_SECONDS), 0.5)
    assert is_over or window, f"the crowd did not begin within {_LIMIT_SECONDS:g} s"
    over = max(at for slot, at in processes.stamps.all()[before:] if is_of_crowd(slot))
    meanwhile = sum(first_at.timestamp() + number * SPACING_SECONDS < over for number in range(count))

    def lags() -> list[float]:
        found = processes.stamps.all()[before:]
        return [(at - slot) * 1000 for slot, at in found if not is_of_crowd(slot) and slot < over]

    assert processes.wait_until(lambda: len(lags()) >= meanwhile, 60, 0.5), "runs of the small tenant are missing"
    return lags(), over - due
