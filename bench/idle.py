"""idle: what a whole Tocsin takes while nothing is due: a ticker beside a million future schedules, and beside ten times
as many, a worker, the API.
"""

import time
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Final

import psycopg

from bench.cost import memory, tree_cpu
from bench.result import Goal, Options, Result, tell
from bench.schedules import fill, make_tenant
from bench.stage import Processes, Stage, value

_WATCHED_SECONDS = 20.0
_SPACING_SECONDS = 0.05
_TIMES = 10
_WEB = "import sys; from api.serving import main; sys.exit(main())"
_PERCENT: Final = "% of a core"
_CPU_GOALS = {"ticker": [Goal(1)]}
_MEMORY_GOALS = {"ticker": [Goal(80)], "worker": [Goal(90)]}


class Watched:
    """Samples by process: percent of a core, and MB resident."""

    def __init__(self) -> None:
        self.cpu: dict[str, list[float]] = {}
        self.rss: dict[str, list[float]] = {}


def run(options: Options) -> list[Result]:
    few = options.size(1_000_000)
    found: list[Result] = []
    with Stage() as stage:
        url = stage.database()
        with psycopg.connect(url, autocommit=True) as conn:
            tomorrow: datetime = value(conn, "select date_trunc('hour', now())") + timedelta(days=1)
            tenant = make_tenant(conn)
            fill(conn, tenant, few, tomorrow, crons=["17 3 * * *"], spacing=_SPACING_SECONDS)
            found += _results("idle", few, _watch(stage, conn, url, options.reps))
            later = tomorrow + timedelta(seconds=few * _SPACING_SECONDS)
            fill(conn, tenant, few * (_TIMES - 1), later, crons=["17 3 * * *"], spacing=_SPACING_SECONDS, name="more")
            found += _results("idle.ten_times", few * _TIMES, _watch(stage, conn, url, options.reps))
    return found


def _watch(stage: Stage, conn: psycopg.Connection[tuple[object, ...]], url: str, reps: int) -> Watched:
    found = Watched()
    conn.execute("checkpoint")
    with stage.processes() as processes:
        pids = _start(stage, processes, url)
        servers = {"postgres": stage.postgres.pid}
        time.sleep(3)
        for rep in range(reps):
            before = {name: tree_cpu(pid) for name, pid in (pids | servers).items()}
            began = time.monotonic()
            time.sleep(_WATCHED_SECONDS)
            seconds = time.monotonic() - began
            for name, pid in (pids | servers).items():
                found.cpu.setdefault(name, []).append((tree_cpu(pid) - before[name]) / seconds * 100)
            for name, pid in pids.items():
                found.rss.setdefault(name, []).append(memory(pid).rss)
            tell(f"{rep + 1}/{reps} ticker {found.cpu['ticker'][-1]:.2f} %, {found.rss['ticker'][-1]:.1f} MB")
    return found


def _start(stage: Stage, processes: Processes, url: str) -> dict[str, int]:
    """The ids of a ticker, a worker and, where it is installed, the API, by name."""
    pids = dict(zip(("ticker", "worker"), processes.start_ours(url), strict=True))
    if find_spec("api.serving"):
        environ = {"DATABASE_URL": url, "REDIS_URL": stage.redis.url, "PORT": "0"}
        pids["web"] = processes.start_code("web", _WEB, **environ).pid
    return pids


def _results(name: str, count: int, watched: Watched) -> list[Result]:
    details = {"schedules": count, "watchedSeconds": _WATCHED_SECONDS}
    return [
        *(
            Result(f"{name}.{who}_cpu", _PERCENT, "lower", cpu, goals=_CPU_GOALS.get(who, []), details=details)
            for who, cpu in watched.cpu.items()
        ),
        *(
            Result(f"{name}.{who}_rss", "MB", "lower", rss, goals=_MEMORY_GOALS.get(who, []), details=details)
            for who, rss in watched.rss.items()
        ),
    ]
