"""tuning: what Postgres's settings are worth to the tables of a queue: 10,000 runs leased and finished, ten at a time.

Each case changes one thing on a fresh database, beside one on which nothing was changed, in the same repetition.
"""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bench.cost import tree_cpu
from bench.result import Options, Result, tell
from bench.schedules import make_schedules, make_tenant
from bench.stage import NOW, Stage, value
from db.pool import Connection, Database
from db.query import QUERIES, Query
from workers.finish import FINISH
from workers.lease import START

GROUP = 10
_POLLS = 200
_IDLE = 150
_ARRAYS = set(re.findall(r"%\((\w+)\)s::\w+\[\]", (QUERIES / "finish_runs.sql").read_text()))

_MAKE = """
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, fence, max_attempts, available_at,
    released_at
)
select
    (lpad(to_hex((extract(epoch from %(slot)s::timestamptz) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0')
        || '8' || lpad(to_hex(n), 15, '0'))::uuid,
    %(slot)s, tenant_id, id, 1, kind, 'default', 'schedule', 'queued', 1, 5, %(slot)s, %(slot)s
from (select s.*, row_number() over (order by s.id) as n from schedules as s) as numbered
"""
_PROCESS = """
insert into processes (id, role, host, pid, version, leased_until) values (gen_random_uuid(), 'worker', 'b', 1, '0', 'infinity')
returning id
"""
_LSN = "select pg_current_wal_insert_lsn() - '0/0'"
_TABLES = """
select sum(pg_total_relation_size(s.relid)), sum(s.n_tup_hot_upd)::float8 / nullif(sum(s.n_tup_upd), 0)
from pg_stat_user_tables as s where s.relname ~ '^runs_\\d+$' and s.n_tup_upd > 0
"""


class Stale(NamedTuple):
    """A run whose ring was lost."""

    id: UUID
    slot_at: datetime
    fence: int


_STALE = Query("find_stale_runs", Stale)


@dataclass(frozen=True, slots=True)
class Cost:
    """For a run: microseconds of the clock and of Postgres, and bytes of WAL; then what is there afterwards."""

    wall: float
    cpu: float
    wal: float
    hot_share: float
    megabytes: float
    poll: float


def _nothing(_conn: Any, _open: ExitStack) -> None: ...


def _partitions(setting: str) -> Callable[[Any, ExitStack], None]:
    def change(conn: Any, _open: ExitStack) -> None:
        for (name,) in conn.execute("select relname from pg_class where relname ~ '^runs_\\d+$' and relkind = 'r'"):
            conn.execute(f"alter table {name} set ({setting})".encode())

    return change


def _said(statement: str) -> Callable[[Any, ExitStack], None]:
    return lambda conn, _open: conn.execute(statement.encode())


def _idle(conn: Any, opened: ExitStack) -> None:
    for _ in range(_IDLE):
        opened.enter_context(psycopg.connect(conn.info.dsn, password=conn.info.password)).execute("select 1")


def _snapshot(conn: Any, opened: ExitStack) -> None:
    other = opened.enter_context(psycopg.connect(conn.info.dsn, password=conn.info.password))
    other.execute("set transaction isolation level repeatable read")
    other.execute("select from runs limit 1")


# What each case changes: of the database before its rows are made, or of the session that works.
_DATABASE = {
    "fillfactor 80": _partitions("fillfactor = 80"),
    "fillfactor 100": _partitions("fillfactor = 100"),
    "an index on state": _said("create index on runs (state)"),
    f"{_IDLE} idle connections": _idle,
    "a held snapshot": _snapshot,
}
_SESSION = {
    "synchronous_commit off": "set synchronous_commit to off",
    "as behind a pooler": "reset all; set timezone to 'UTC'",
    "work_mem 64 kB": "set work_mem to '64kB'",
    "work_mem 64 MB": "set work_mem to '64MB'",
}
_CASES = ("as it comes", *_DATABASE, *_SESSION, "vacuumed halfway")


def run(options: Options) -> list[Result]:
    count = options.size(10_000)
    costs: dict[str, list[Cost]] = {case: [] for case in _CASES}
    with Stage() as stage:
        for rep in range(options.reps):
            for case in _CASES if rep % 2 == 0 else _CASES[::-1]:
                costs[case].append(found := _cost(stage, case, count))
                tell(f"{rep + 1}/{options.reps} {case}: {found}")
    plain = costs.pop("as it comes")
    return [_result(case, costs[case], plain, count) for case in costs]


def _result(case: str, found: list[Cost], plain: list[Cost], count: int) -> Result:
    """How many times as much of Postgres a run takes as with nothing changed; all else in the details."""
    pairs = list(zip(found, plain, strict=True))
    details: dict[str, Any] = {"runs": count, "group": GROUP}
    for name in Cost.__slots__:
        ours, beside = ([getattr(cost, name) for cost in costs] for costs in (found, plain))
        details[name] = {
            "changed": round(median(ours), 3),
            "asItComes": round(median(beside), 3),
            "times": round(median(ours) / median(beside), 3) if all(beside) else None,
        }
    name = case.replace(" ", "_")
    return Result(f"tuning.{name}", "x", "lower", [a.cpu / b.cpu for a, b in pairs], details=details)


def _cost(stage: Stage, case: str, count: int) -> Cost:
    url = stage.database()
    with ExitStack() as opened, psycopg.connect(url, autocommit=True) as conn:
        # Nothing but what a case is about happens beside it.
        _partitions("autovacuum_enabled = off")(conn, opened)
        slot = value(conn, NOW)
        make_schedules(conn, make_tenant(conn), count // 2, slot + timedelta(days=1), interval=86_400)
        _DATABASE.get(case, _nothing)(conn, opened)
        process = value(conn, _PROCESS)
        worker = opened.enter_context(Database.at(url).connect("bench"))
        if case in _SESSION:
            worker.execute(_SESSION[case].encode())
        if case == "as behind a pooler":
            worker.prepare_threshold = None
        seconds = cpu = wal = 0.0
        for half in range(2):
            at = slot + timedelta(milliseconds=half)
            conn.execute(_MAKE, {"slot": at})
            runs = conn.execute("select id, slot_at from runs where slot_at = %s order by id", (at,)).fetchall()
            stage.flush()
            before = value(conn, _LSN), tree_cpu(stage.postgres.pid), time.perf_counter()
            _work(worker, runs, process)
            seconds += time.perf_counter() - before[2]
            cpu += tree_cpu(stage.postgres.pid) - before[1]
            wal += float(value(conn, _LSN) - before[0])
            if case == "vacuumed halfway" and half == 0:
                conn.execute("vacuum runs")
        poll = _poll(worker)
        worker.execute("select pg_stat_force_next_flush()")
        worker.close()
        size, hot = conn.execute(_TABLES.encode()).fetchone() or (0, 0)
        each = 1e6 / (2 * (count // 2))
    stage.drop(url)
    return Cost(seconds * each, cpu * each, wal * each / 1e6, float(hot or 0), float(size or 0) / 2**20, poll)


def _work(conn: Connection, runs: list[tuple[Any, ...]], process: UUID) -> None:
    """Leases and finishes all runs, a group at a time, as one worker does."""
    for first in range(0, len(runs), GROUP):
        group = runs[first : first + GROUP]
        ids, slots = [run[0] for run in group], [run[1] for run in group]
        leased = START.all(conn, ids=ids, slots=slots, fences=[1] * len(group), process_id=process, lead=0.0)
        assert len(leased) == len(group)
        many = len(group)
        asked: dict[str, Any] = {name: [] for name in _ARRAYS} | {
            "ids": ids,
            "slots": slots,
            "fences": [2] * many,
            "states": ["succeeded"] * many,
            "attempt_outcomes": ["done"] * many,
        }
        asked |= {name: [None] * many for name in ("reasons", "outcomes", "errors", "delays", "tracebacks", "causes")}
        assert len(FINISH.all(conn, process_id=process, **asked)) == many


def _poll(conn: Connection) -> float:
    """Microseconds, at the median, of a worker's look for runs whose ring was lost, of which there are none."""
    took = []
    for _ in range(_POLLS):
        began = time.perf_counter()
        _STALE.all(conn, queues=["default"], age=2.0, room=10)
        took.append(time.perf_counter() - began)
    return median(took) * 1e6
