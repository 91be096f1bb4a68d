"""retention: what it costs to forget a week of 100,000 runs by dropping its partitions, beside a DELETE and a VACUUM."""

import time
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bench.result import Options, Result, tell
from bench.schedules import make_tenant
from bench.stage import Stage, value

_WEEK = "select date_trunc('week', now() at time zone 'UTC') at time zone 'UTC' - interval '28 days'"
_LSN = "select pg_current_wal_insert_lsn() - '0/0'"
_MAKE = """
insert into runs (
    id, slot_at, tenant_id, kind, queue, origin, state, fence, max_attempts, available_at, released_at, started_at,
    finished_at
)
select gen_random_uuid(), slot, %(tenant)s, 'bench.noop', 'default', 'manual', 'succeeded', 2, 5, slot, slot, slot, slot
from generate_series(1, %(count)s) as n, lateral (select %(week)s::timestamptz + n * interval '1 second') as at (slot)
"""


def run(options: Options) -> list[Result]:
    count = options.size(100_000)
    found: dict[str, list[tuple[float, float]]] = {"drop": [], "delete and vacuum": []}
    with Stage() as stage:
        for rep in range(options.reps):
            for way in list(found) if rep % 2 == 0 else list(found)[::-1]:
                found[way].append(_forget(stage, way, count))
                tell(
                    f"{rep + 1}/{options.reps} {way}: {found[way][-1][0]:.3f} s, {found[way][-1][1] / 1e6:.1f} MB of WAL"
                )
    return [
        Result(
            f"retention.{name}",
            unit,
            "lower",
            [each[place] for each in found["drop"]],
            {"delete and vacuum": [each[place] for each in found["delete and vacuum"]]},
            details={"runs": count},
        )
        for place, (name, unit) in enumerate((("seconds", "s"), ("wal", "bytes")))
    ]


def _forget(stage: Stage, way: str, count: int) -> tuple[float, float]:
    """Seconds, and bytes of WAL."""
    url = stage.database()
    with psycopg.connect(url, autocommit=True) as conn:
        week: datetime = value(conn, _WEEK)
        conn.execute("select make_partitions(%s, %s)", (week, week))
        _make(conn, count, week)
        stage.flush()
        at, began = value(conn, _LSN), time.perf_counter()
        if way == "drop":
            dropped = value(conn, "select drop_partitions(%s)", week + timedelta(days=7))
            assert dropped == [f"{week:%Y%m%d}"], dropped
        else:
            conn.execute("delete from runs where slot_at < %s", (week + timedelta(days=7),))
            conn.execute("vacuum runs")
        seconds = time.perf_counter() - began
        wal = float(value(conn, _LSN) - at)
        assert value(conn, "select count(*) from runs") == 0
    stage.drop(url)
    return seconds, wal


def _make(conn: psycopg.Connection[Any], count: int, week: datetime) -> None:
    # Within the week: a slot a second.
    assert count < 7 * 86_400
    with conn.transaction():
        conn.execute("set local session_replication_role to replica")
        conn.execute(_MAKE, {"tenant": make_tenant(conn), "count": count, "week": week})
    # As it was long since, after four weeks: or whoever reads first would pay for it.
    conn.execute("vacuum analyze runs")
