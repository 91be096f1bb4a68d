"""idle: what a whole Tocsin takes while nothing is due: a ticker beside a million future schedules, a worker, the API."""

import time
from datetime import timedelta
from importlib.util import find_spec

import psycopg

from bench.result import Goal, Options, Result
from bench.schedules import make_schedules, make_tenant
from bench.stage import Stage, resident_mb, tree_cpu, value

_WATCHED_SECONDS = 20.0


def run(options: Options) -> list[Result]:
    count = options.size(1_000_000)
    ticker: list[float] = []
    worker: list[float] = []
    postgres: list[float] = []
    resident: dict[str, list[float]] = {"ticker": [], "worker": [], "web": []}
    with Stage() as stage, stage.processes() as processes:
        url = stage.database()
        with psycopg.connect(url, autocommit=True) as conn:
            tomorrow = value(conn, "select date_trunc('hour', now())") + timedelta(days=1)
            tenant = make_tenant(conn)
            make_schedules(conn, tenant, count, tomorrow, crons=["17 3 * * *"], spacing=0.05, has_versions=False)
            conn.execute("checkpoint")
        pids = dict(zip(("ticker", "worker"), processes.start_ours(url), strict=True))
        if find_spec("api.app"):
            command = ("-c", "import sys; from api.app import main; sys.exit(main())")
            pids["web"] = processes.run("web", *command, DATABASE_URL=url, REDIS_URL=stage.redis.url, PORT="0").pid
        time.sleep(3)
        for _ in range(options.reps):
            before = [tree_cpu(pid) for pid in (pids["ticker"], pids["worker"], stage.postgres.pid)]
            began = time.monotonic()
            time.sleep(_WATCHED_SECONDS)
            seconds = time.monotonic() - began
            after = [tree_cpu(pid) for pid in (pids["ticker"], pids["worker"], stage.postgres.pid)]
            for found, (low, high) in zip((ticker, worker, postgres), zip(before, after, strict=True), strict=True):
                found.append((high - low) / seconds * 100)
            for name, pid in pids.items():
                resident[name].append(resident_mb(pid))
    details = {"schedules": count, "watchedSeconds": _WATCHED_SECONDS}
    percent = "% of a core"
    return [
        Result("idle.ticker_cpu", percent, "lower", ticker, goal=Goal(1), details=details),
        Result("idle.worker_cpu", percent, "lower", worker, details=details),
        Result("idle.postgres_cpu", percent, "lower", postgres, details=details),
        *(
            Result(f"idle.{name}_rss", "MB", "lower", found, details=details)
            for name, found in resident.items()
            if found
        ),
    ]
