"""Schedules for benches, made in Postgres by the million."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.result import tell
from bench.stage import value

_MILLION = 1_000_000
# A row with its indexes is 0.6 kB; beside it lies what is written ahead, and there should be room to spare.
_BYTES_EACH = 2000

_TENANT = "insert into tenants (slug, name) values ('bench', 'Bench') returning id"
_INSERT = """
insert into schedules (
    id, tenant_id, kind, name, cron, interval_seconds, interval_anchor, scheduled_at, next_fire_at, plan_from,
    overlap_policy, misfire_grace_seconds
)
select
    gen_random_uuid(), %(tenant)s, %(kind)s, %(name)s || g, (%(crons)s::text[])[1 + g %% nullif(cardinality(%(crons)s::text[]), 0)],
    %(interval)s::bigint, case when %(interval)s::bigint is not null then first_at end,
    case when %(is_once)s then first_at end, first_at, first_at - interval '1 second', %(overlap)s, 86400
from generate_series(0, %(count)s - 1) as g, lateral (
    select %(first_at)s::timestamptz + g * %(spacing)s::float8 * interval '1 second'
) as f (first_at)
"""


def make_tenant(conn: psycopg.Connection[Any]) -> UUID:
    """The id of a new tenant."""
    row = conn.execute(_TENANT).fetchone()
    assert row is not None
    tenant: UUID = row[0]
    return tenant


def make_schedules(
    conn: psycopg.Connection[Any],
    tenant: UUID,
    count: int,
    first_at: datetime,
    *,
    kind: str = "bench.stamp",
    name: str = "s",
    crons: list[str] | None = None,
    interval: int | None = None,
    spacing: float = 0.0,
    overlap: str = "allow",
    has_versions: bool = True,
) -> None:
    """Inserts `count` schedules, the first due at `first_at` and each next one `spacing` seconds later.

    They recur by `crons` in turn, by `interval`, or once. Without versions their runs can be planned but not run.
    """
    with conn.transaction():
        if not has_versions:
            conn.execute("set local session_replication_role = replica")
        conn.execute(
            _INSERT,
            {
                "tenant": tenant,
                "kind": kind,
                "name": name,
                "crons": crons or [],
                "interval": interval,
                "is_once": crons is None and interval is None,
                "overlap": overlap,
                "count": count,
                "first_at": first_at,
                "spacing": spacing,
            },
        )
    conn.execute("vacuum analyze schedules")
    conn.execute("analyze schedule_versions")


def fill(
    conn: psycopg.Connection[Any],
    tenant: UUID,
    count: int,
    first_at: datetime,
    *,
    crons: list[str],
    spacing: float,
    name: str = "s",
) -> None:
    """Inserts `count` schedules without versions, a million at a time. Raises RuntimeError when the disk is too small."""
    folder = Path(str(value(conn, "show data_directory")))
    free = shutil.disk_usage(folder if folder.exists() else "/").free
    if free < count * _BYTES_EACH:
        raise RuntimeError(
            f"{count:,} schedules need {count * _BYTES_EACH / 1e9:.0f} GB of disk, {free / 1e9:.0f} are free"
        )
    for start in range(0, count, _MILLION):
        size = min(_MILLION, count - start)
        late = timedelta(seconds=start * spacing)
        block = f"{name}{start // _MILLION}-"
        make_schedules(
            conn, tenant, size, first_at + late, name=block, crons=crons, spacing=spacing, has_versions=False
        )
        if count > _MILLION:
            tell(f"{start + size:,} of {count:,} schedules")
