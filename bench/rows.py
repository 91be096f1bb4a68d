"""rows: what a claimed row costs among ten million schedules, beside one million."""

import time
from datetime import datetime, timedelta

import psycopg

from bench.claimer import BATCH, claim_all
from bench.result import Goal, Options, Result, tell
from bench.schedules import fill, make_schedules, make_tenant
from bench.stage import Stage, value
from db.pool import Database

_TIMES = 10
_DUE_SHARE = 50
_LATER = ["17 3 * * *"]


def run(options: Options) -> list[Result]:
    few = options.size(1_000_000)
    due = max(1, few // _DUE_SHARE)
    sizes = (few, few * _TIMES)
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    with Stage() as stage:
        urls = {size: _filled(stage, size) for size in sizes}
        for rep in range(options.reps):
            for size in sizes if rep % 2 == 0 else sizes[::-1]:
                stage.flush()
                costs[size].append(_cost(urls[size], due, f"due{rep}-"))
                tell(f"{rep + 1}/{options.reps} among {size:,}: {costs[size][-1]:.1f} us a row")
    details = {"due": due, "batch": BATCH, "among": list(sizes)}
    among = {f"among {few:,}": costs[few]}
    pairs = zip(costs[sizes[1]], costs[few], strict=True)
    return [
        Result("claim.cost_among_ten_times", "us/row", "lower", costs[sizes[1]], among, details=details),
        Result("claim.times_as_costly", "x", "lower", [many / one for many, one in pairs], goals=[Goal(1.5)]),
    ]


def _filled(stage: Stage, count: int) -> str:
    """The address of a database with `count` schedules that are due from tomorrow on."""
    url = stage.database()
    with psycopg.connect(url, autocommit=True) as conn:
        tomorrow = value(conn, "select date_trunc('hour', now())") + timedelta(days=1)
        fill(conn, make_tenant(conn), count, tomorrow, crons=_LATER, spacing=0.05)
        conn.execute("checkpoint")
    return url


def _cost(url: str, due: int, name: str) -> float:
    """Microseconds a row to claim `due` new schedules that are due at one instant."""
    with psycopg.connect(url, autocommit=True) as conn:
        slot: datetime = value(conn, "select date_trunc('minute', now())")
        tenant = value(conn, "select id from tenants")
        crons = [f"{slot.minute} {slot.hour} * * *"]
        make_schedules(conn, tenant, due, slot, name=name, crons=crons, has_versions=False)
        conn.execute("checkpoint")
    with Database.at(url).connect("bench", waits_for_disk=False) as conn:
        began = time.perf_counter()
        done = claim_all(conn)
        seconds = time.perf_counter() - began
    assert done == due, f"{done} of {due} were claimed"
    return seconds / due * 1e6
