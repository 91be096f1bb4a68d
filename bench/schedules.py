"""Schedules for benches, made in Postgres by the hundred thousand."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

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
