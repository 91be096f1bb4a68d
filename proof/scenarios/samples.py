"""What a soak looks at again and again: the memory of processes, the tables and their dead rows, open connections."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psycopg

from proof.chaos.seats import Seat

# Tables whose rows are as many at the end as at the beginning: what they grow by is dead.
STEADY = ("schedules", "schedule_versions", "processes", "schedule_gates")
_TABLES = """
    select
        regexp_replace(relname, '_[0-9]{8}$', ''), sum(n_dead_tup)::bigint, sum(n_live_tup)::bigint,
        sum(pg_total_relation_size(relid))::bigint
    from pg_stat_user_tables group by 1
"""
_CONNECTIONS = "select count(*) from pg_stat_activity where application_name like 'tocsin %'"


class Table(NamedTuple):
    """Rows that are dead and alive as Postgres counts them, and bytes with indexes, of all partitions."""

    dead: int
    live: int
    size: int


class Sample(NamedTuple):
    """One look, so many seconds after the beginning. Resident memory in KiB, by seat and process id."""

    seconds: float
    resident: Mapping[tuple[str, int], int]
    tables: Mapping[str, Table]
    connections: int


def look(conn: psycopg.Connection[Any], seats: Sequence[Seat], seconds: float) -> Sample:
    """One look at it all."""
    resident = {(seat.name, seat.pid): kib for seat in seats if (kib := resident_kib(seat.pid))}
    tables = {name: Table(dead, live, size) for name, dead, live, size in conn.execute(_TABLES).fetchall()}
    row = conn.execute(_CONNECTIONS).fetchone()
    assert row
    return Sample(seconds, resident, tables, row[0])


def resident_kib(pid: int) -> int:
    """The resident memory of a process; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def tenths(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """The second tenth, in which caches are filled and plans made, and the last; at least one sample each."""
    size = max(1, len(samples) // 10)
    return samples[size : 2 * size] or samples[:1], samples[-size:]


def growth(samples: Sequence[Sample], seat: str) -> dict[str, Any]:
    """How much the memory of the one process of the seat grew between these tenths, in percent of the first."""
    first, last = tenths(samples)
    before, after = (_resident(part, seat) for part in (first, last))
    pids = {pid for sample in samples for name, pid in sample.resident if name == seat}
    is_known = before is not None and after is not None and len(pids) == 1
    percent = round(100 * (after / before - 1), 2) if is_known and before and after is not None else None
    return {"firstKiB": before, "lastKiB": after, "growthPercent": percent, "processes": len(pids)}


def dead_rows(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Of each table with dead rows: the most of them in these tenths, the rows alive at the end, and the sizes."""
    first, last = tenths(samples)
    found = {}
    for name in sorted({name for sample in samples for name in sample.tables}):
        before, after = ([s.tables[name] for s in part if name in s.tables] for part in (first, last))
        if before and after and (name in STEADY or any(table.dead for table in (*before, *after))):
            found[name] = {
                "deadFirst": max(table.dead for table in before),
                "deadLast": max(table.dead for table in after),
                "liveLast": after[-1].live,
                "bytesFirst": before[0].size,
                "bytesLast": after[-1].size,
            }
    return found


def series(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The samples in plain values, for a picture."""
    told = []
    for sample in samples:
        seats: dict[str, int] = defaultdict(int)
        for (name, _), kib in sample.resident.items():
            seats[name] = kib
        told.append(
            {
                "seconds": round(sample.seconds, 1),
                "residentKiB": dict(seats),
                "dead": sum(table.dead for table in sample.tables.values()),
                "bytes": sum(table.size for table in sample.tables.values()),
                "connections": sample.connections,
            }
        )
    return told


def _resident(samples: Sequence[Sample], seat: str) -> float | None:
    found = [kib for sample in samples for (name, _), kib in sample.resident.items() if name == seat]
    return median(found) if found else None
