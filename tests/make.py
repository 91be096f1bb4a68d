"""Makes rows, each whole and valid; what a test is about it names as an override."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from db.ids import id_at, to_milliseconds

Connection = psycopg.Connection[Any]


def connect(url: str) -> Connection:
    """A connection in autocommit mode, in UTC, as the owner."""
    conn = psycopg.connect(url, autocommit=True)
    conn.execute("set timezone to 'UTC'")
    return conn


def now(conn: Connection) -> datetime:
    """Postgres's time, cut to milliseconds."""
    row = conn.execute("select now()").fetchone()
    assert row
    moment: datetime = row[0]
    return to_milliseconds(moment.astimezone(UTC))


def value(conn: Connection, statement: LiteralString, *params: Any) -> Any:
    """The first column of the first row; None without a row."""
    row = conn.execute(statement, params).fetchone()
    return None if row is None else row[0]


def insert(conn: Connection, table: str, row: dict[str, Any]) -> None:
    """Inserts the row; dicts become JSON."""
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(sql.Placeholder() * len(row))
    values = [Jsonb(each) if isinstance(each, dict) else each for each in row.values()]
    conn.execute(sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier(table), columns, places), values)


def tenant(conn: Connection, **row: Any) -> UUID:
    """A tenant."""
    row = {"id": uuid4(), "slug": f"t-{uuid4().hex[:12]}", "name": "A tenant"} | row
    insert(conn, "tenants", row)
    return UUID(str(row["id"]))


def schedule(conn: Connection, tenant_id: UUID, **row: Any) -> UUID:
    """An active schedule: once, now, ungated and without params, unless the overrides say how it recurs.

    One with an interval has its first slot now.
    """
    moment = now(conn)
    row = {"id": uuid4(), "kind": "test.noop", "name": f"s-{uuid4().hex[:12]}", "overlap_policy": "allow"} | row
    row["tenant_id"] = tenant_id
    if "interval_seconds" in row:
        row = {"interval_anchor": moment, "plan_from": moment - timedelta(milliseconds=1)} | row
    elif "cron" not in row:
        row = {"scheduled_at": moment} | row
    row = {"next_fire_at": row.get("scheduled_at") or moment} | row
    insert(conn, "schedules", row)
    return UUID(str(row["id"]))


def run(conn: Connection, tenant_id: UUID, **row: Any) -> UUID:
    """A queued run of no schedule, requested by hand. Its state may be any: the guards look away while it is made."""
    moment = now(conn)
    slot_at: datetime = row.setdefault("slot_at", moment)
    row = {"kind": "test.noop", "queue": "default", "origin": "manual", "state": "queued"} | row
    row = {"id": id_at(slot_at), "available_at": moment, "fence": 1, "max_attempts": 5} | row
    row["tenant_id"] = tenant_id
    if row["state"] in ("queued", "running"):
        row.setdefault("released_at", row["available_at"])
    elif row["state"] != "pending":
        row.setdefault("finished_at", moment)
    _insert_unguarded(conn, "runs", row)
    return UUID(str(row["id"]))


def process(conn: Connection, **row: Any) -> UUID:
    """A worker's row, its lease held for a minute."""
    row = {"id": uuid4(), "role": "worker", "host": "test", "pid": 1, "version": "0", **row}
    row.setdefault("leased_until", value(conn, "select now() + interval '1 minute'"))
    insert(conn, "processes", row)
    return UUID(str(row["id"]))


_MAIL = b"Subject: x\r\n\r\nbody\r\n"


def delivery(
    conn: Connection, tenant_id: UUID, run_id: UUID, slot_at: datetime, *, content: bytes = _MAIL, **row: Any
) -> UUID:
    """A pending delivery of one mail, with its bytes."""
    row = {
        "id": id_at(slot_at),
        "channel": "email",
        "recipient": "someone@example.com",
        "recipient_type": "to",
        "body_number": 0,
        "state": "pending",
    } | row
    row |= {"tenant_id": tenant_id, "run_id": run_id, "slot_at": slot_at}
    conn.execute(
        "insert into delivery_bodies (run_id, slot_at, tenant_id, number, message_id, content) "
        "values (%s, %s, %s, %s, '<x@example.com>', %s) on conflict do nothing",
        (run_id, slot_at, tenant_id, row["body_number"], content),
    )
    insert(conn, "deliveries", row)
    return UUID(str(row["id"]))


def artifact(conn: Connection, tenant_id: UUID, run_id: UUID, slot_at: datetime, **row: Any) -> UUID:
    """The row of a file that a run made under its fence."""
    row = {
        "id": id_at(slot_at),
        "fence": 1,
        "name": "a report.csv",
        "format": "csv",
        "content_type": "text/csv; charset=utf-8",
        "size_bytes": 3,
        "sha256": sha256(b"a,b").hexdigest(),
        "record_count": 1,
    } | row
    row |= {"tenant_id": tenant_id, "run_id": run_id, "slot_at": slot_at}
    row = {"key": f"{UUID(int=1)}/{tenant_id}/{run_id}/{row['fence']}/{row['sha256']}"} | row
    insert(conn, "artifacts", row)
    return UUID(str(row["id"]))


def alert(conn: Connection, tenant_id: UUID) -> UUID:
    """An alert with all that it needs."""
    source, alert_id = uuid4(), uuid4()
    insert(
        conn, "sources",
        {"id": source, "tenant_id": tenant_id, "name": str(source), "type": "postgres", "url": "postgresql://x/y"},
    )  # fmt: skip
    later = now(conn) + timedelta(days=1)
    schedule_id = schedule(conn, tenant_id, kind="kpi.threshold", scheduled_at=later)
    of = {"tenant_id": tenant_id}
    graph = {"id": alert_id, "name": str(alert_id), "source_id": source, "query": "select 1", **of}
    row = {
        "id": alert_id,
        "schedule_id": schedule_id,
        "alert_type": "threshold",
        "alert_name": "a",
        "graph_id": alert_id,
        **of,
    }
    threshold = {"kpi_alert_id": alert_id, "condition": "EQUAL", "threshold_value": 1, **of}
    with conn.transaction():
        insert(conn, "graphs", graph)
        insert(conn, "kpi_alerts", row | {"recipients": ["a@example.com"]})
        insert(conn, "kpi_thresholds", threshold)
    return alert_id


def _insert_unguarded(conn: Connection, table: str, row: dict[str, Any]) -> None:
    with conn.transaction():
        conn.execute("set local session_replication_role to replica")
        insert(conn, table, row)
