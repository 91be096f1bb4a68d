"""crew: a thousand slow calls at once from one process: calls a second, how many were open at once, and its memory; and what
that does to the plain runs of the same process, while the calls begin and end and while all are open.

Beside it in the same run, against the same server in a process of its own: a Celery worker with a thousand greenlets, one
with a thousand threads, and a bare program of asyncio and httpx. Theirs is the call alone; ours is also a row of a run, its
release under the endpoint's limit, its lease, its attempt and the answer kept.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.peers import crews
from bench.result import Goal, Options, Result, percentile, tell
from bench.schedules import make_tenant
from bench.stage import Processes, Stage, value
from db.jsonb import Jsonb
from db.pool import Database
from local.processes import free_port
from scheduler.asked import run_now

LATENCY = 2.0
# How much longer than one call all of them at once may take.
_MOST_TIMES_IDEAL = 1.2
_LIMIT_SECONDS = 120.0
_PEERS = ("gevent", "threads", "asyncio")
_NAMES = {"gevent": "Celery, gevent", "threads": "Celery, threads", "asyncio": "asyncio and httpx"}
_PLAIN = 100
_USERS = (
    "insert into users (tenant_id, uid, context, goal) "
    "select %s, 'u' || n, 'sells', 'to grow' from generate_series(%s::int, %s::int) n"
)
_CREWS_ENDED = "select count(*) from runs where kind = 'crew.call' and state = 'succeeded'"
_LAGS = (
    "select extract(epoch from started_at - available_at)::float8 * 1000 from runs "
    "where kind = 'bench.noop' and state = 'succeeded'"
)


def run(options: Options) -> list[Result]:
    count = options.size(1000)
    seconds: dict[str, list[float]] = {name: [] for name in ("tocsin", *_NAMES.values())}
    megabytes: dict[str, list[float]] = {name: [] for name in seconds}
    most: dict[str, int] = {}
    lags: dict[str, list[list[float]]] = {"quiet": [], "busy": [], "open": []}
    with Stage() as stage:
        port = free_port()
        url = f"http://127.0.0.1:{port}/run-crew"
        server = subprocess.Popen([sys.executable, "-m", "bench.crew_server", str(port), str(LATENCY)])
        try:
            for rep in range(options.reps):
                order = ["tocsin", *_PEERS]
                for side in order if rep % 2 == 0 else order[::-1]:
                    stage.flush()
                    name = _NAMES.get(side, side)
                    with stage.processes() as processes:
                        if side == "tocsin":
                            took, held, at_once = _ours(stage, processes, url, count, lags)
                        else:
                            took, held, at_once = _theirs(stage, processes, side, url, count)
                    seconds[name].append(count / took)
                    megabytes[name].append(held)
                    most[name] = max(at_once, most.get(name, 0))
                    tell(f"{name}: {count / took:,.0f} calls a second, {at_once} at once, {held:.0f} MB")
        finally:
            server.terminate()
            server.wait()
    details = {"calls": count, "latencySeconds": LATENCY, "mostAtOnce": most}
    p50, p99 = (
        {side: [percentile(each, share) for each in found] for side, found in lags.items()} for share in (50.0, 99.0)
    )
    return [
        Result(
            "crew.calls",
            "calls/s",
            "higher",
            seconds.pop("tocsin"),
            seconds,
            [Goal(count / (LATENCY * _MOST_TIMES_IDEAL))],
            details=details,
        ),
        Result("crew.memory", "MB", "lower", megabytes.pop("tocsin"), megabytes, [Goal(150)], details=details),
        *(
            Result(f"crew.neighbours_{when}_{name}", "ms", "lower", found[when], {"without": found["quiet"]}, goals)
            for when, goals in (("open", [Goal(0.5, "without")]), ("busy", []))
            for name, found in (("p50", p50), ("p99", p99))
        ),
    ]


def _ours(
    stage: Stage, processes: Processes, url: str, count: int, lags: dict[str, list[list[float]]]
) -> tuple[float, float, int]:
    database = stage.database()
    with psycopg.connect(database, autocommit=True) as conn, Database.at(database).connect("bench") as asking:
        tenant = make_tenant(conn)
        conn.execute(_USERS, (tenant, 1, 1))
        row = (uuid4(), tenant, "crew", url, count)
        conn.execute(
            "insert into crew_endpoints (id, tenant_id, name, url, concurrency) values (%s, %s, %s, %s, %s)", row
        )
        crew, plain = (_schedule(conn, tenant, kind) for kind in ("crew.call", "bench.noop"))
        processes.start_ours(database, threads=8, TOCSIN_EGRESS_ALLOW="127.0.0.0/8")
        # A process's first call and its first run take what no other does: theirs have made one as well.
        run_now(asking, tenant, plain)
        assert processes.wait_until(lambda: len(_lags(conn)) == 1, 30), "no plain run ended"
        run_now(asking, tenant, crew)
        assert processes.wait_until(lambda: bool(value(conn, _CREWS_ENDED)), 60), "no crew ended"
        conn.execute(_USERS, (tenant, 2, count))
        lags["quiet"].append(_plain_runs(conn, lambda: run_now(asking, tenant, plain), processes))

        _seen(url, anew=True)
        began = time.time()
        run_now(asking, tenant, crew)
        assert processes.wait_until(lambda: _seen(url)["mostOpen"] > count // 10, 60), "nobody was asked"
        lags["busy"].append(_plain_runs(conn, lambda: run_now(asking, tenant, plain), processes))
        found = _until_answered(processes, url, count, began)
        done = "select count(*) = %s from crew_responses where status = 'answered'"
        assert processes.wait_until(lambda: bool(value(conn, done, 1 + count)), 60), "not all answers were kept"

        conn.execute("update crew_endpoints set url = url || '?seconds=40'")
        _seen(url, anew=True)
        run_now(asking, tenant, crew)
        assert processes.wait_until(lambda: _seen(url)["open"] == count, 35), "not all were asked at once"
        lags["open"].append(_plain_runs(conn, lambda: run_now(asking, tenant, plain), processes))
        return found


def _schedule(conn: "psycopg.Connection[Any]", tenant: UUID, kind: str) -> UUID:
    """A schedule that no clock comes to: it is run by hand."""
    schedule_id = uuid4()
    conn.execute(
        "insert into schedules (id, tenant_id, kind, name, interval_seconds, interval_anchor, next_fire_at, params, "
        "overlap_policy, queue) values (%s, %s, %s, %s, 86400, date_trunc('second', now()), "
        "date_trunc('second', now()) + interval '1 day', %s, 'allow', %s)",
        (schedule_id, tenant, kind, kind, Jsonb({}), "calls" if kind == "crew.call" else "default"),
    )
    return schedule_id


def _plain_runs(conn: "psycopg.Connection[Any]", start: Callable[[], object], processes: Processes) -> list[float]:
    """How many milliseconds after they might each of some plain runs began, one after the other."""
    before = len(_lags(conn))
    for _ in range(_PLAIN):
        start()
        time.sleep(0.02)
    assert processes.wait_until(lambda: len(_lags(conn)) == before + _PLAIN, 60), "not all plain runs ended"
    return _lags(conn)[before:]


def _lags(conn: "psycopg.Connection[Any]") -> list[float]:
    return [lag for (lag,) in conn.execute(_LAGS + " order by started_at").fetchall()]


def _theirs(stage: Stage, processes: Processes, pool: str, url: str, count: int) -> tuple[float, float, int]:
    environ = {"BENCH_URL": url, "BENCH_COUNT": str(count), "BENCH_REDIS": stage.redis.url}
    if pool == "asyncio":
        go = stage.folder / f"go-{uuid4().hex[:8]}"
        processes.start("worker", "bench.peers.crews", pool, **environ, BENCH_GO=str(go))
        time.sleep(2)
        _seen(url, anew=True)
        began = time.time()
        go.touch()
        return _until_answered(processes, url, count, began)
    processes.start("worker", "bench.peers.crews", pool, **environ)
    app = crews.app(stage.redis.url)
    app.send_task("call", (url,))
    assert processes.wait_until(lambda: _seen(url)["answered"] >= 1, 60), "the worker did not start"
    _seen(url, anew=True)
    began = time.time()
    for _ in range(count):
        app.send_task("call", (url,))
    return _until_answered(processes, url, count, began)


def _until_answered(processes: Processes, url: str, count: int, began: float) -> tuple[float, float, int]:
    """Seconds until the last answer left, the most memory that the worker held on the way, and the most open calls."""
    held = 0.0
    until = time.monotonic() + _LIMIT_SECONDS
    while True:
        held = max(held, *(each.rss for each in processes.each_memory("worker")))
        seen = _seen(url)
        if seen["answered"] >= count:
            return seen["last"] - began, held, seen["mostOpen"]
        assert time.monotonic() < until, f"{seen['answered']} of {count} were answered"
        time.sleep(0.1)


def _seen(url: str, *, anew: bool = False) -> dict[str, Any]:
    place = url.removesuffix("run-crew") + ("seen?anew" if anew else "seen")
    with urllib.request.urlopen(place, timeout=30) as answer:  # noqa: S310  the bench's own
        found: dict[str, Any] = json.load(answer)
    return found
