"""The history: each move of a run, a delivery and a schedule, by whatever hand, in order, and never changed."""

from uuid import UUID

import psycopg
import pytest

from db.ids import id_at
from tests import make


@pytest.fixture
def tenant(conn: make.Connection) -> UUID:
    return make.tenant(conn)


def queued(conn: make.Connection, tenant: UUID) -> UUID:
    """A run that was inserted with its triggers."""
    slot = make.now(conn)
    run = id_at(slot)
    conn.execute(
        "insert into runs (id, slot_at, tenant_id, kind, queue, origin, state, fence, available_at, released_at) "
        "values (%s, %s, %s, 'test.noop', 'default', 'system', 'queued', 1, now(), now())",
        (run, slot, tenant),
    )
    return run


def moves(conn: make.Connection, run: UUID) -> list[tuple[str, str, int]]:
    """What the history tells of a run."""
    statement = "select move, state, fence from run_history where run_id = %s order by seq"
    return conn.execute(statement, (run,)).fetchall()


def test_each_move_of_a_run_is_kept_by_whatever_hand(conn: make.Connection, tenant: UUID) -> None:
    run = queued(conn, tenant)
    conn.execute("update runs set state = 'running', fence = 2 where id = %s", (run,))
    conn.execute("update runs set state = 'succeeded', written_fence = 2, finished_at = now() where id = %s", (run,))
    conn.execute("delete from runs where id = %s", (run,))

    assert moves(conn, run) == [
        ("insert", "queued", 1),
        ("update", "running", 2),
        ("update", "succeeded", 2),
        ("delete", "succeeded", 2),
    ]


def test_what_was_rolled_back_never_was(conn: make.Connection, tenant: UUID) -> None:
    run = queued(conn, tenant)
    with conn.transaction(force_rollback=True):
        conn.execute("update runs set state = 'running', fence = 2 where id = %s", (run,))

    assert moves(conn, run) == [("insert", "queued", 1)]


def test_each_move_of_a_delivery_is_kept(conn: make.Connection, tenant: UUID) -> None:
    slot = make.now(conn)
    delivery = make.delivery(conn, tenant, make.run(conn, tenant, slot_at=slot), slot)
    conn.execute("update deliveries set state = 'sending', fence = fence + 1 where id = %s", (delivery,))
    conn.execute("update deliveries set handed_over_at = now(), written_fence = fence where id = %s", (delivery,))

    kept = "select state, handed_over_at is not null from delivery_history where delivery_id = %s order by seq"
    assert conn.execute(kept, (delivery,)).fetchall() == [("pending", False), ("sending", False), ("sending", True)]


def test_a_schedules_moves_are_kept_and_nothing_else_of_it(conn: make.Connection, tenant: UUID) -> None:
    schedule = make.schedule(conn, tenant, interval_seconds=60)
    conn.execute("update schedules set last_run_at = now(), last_error = 'x' where id = %s", (schedule,))
    conn.execute("update schedules set status = 'paused', next_fire_at = null where id = %s", (schedule,))
    conn.execute("update schedules set interval_seconds = 90 where id = %s", (schedule,))

    kept = "select version, status from schedule_history where schedule_id = %s order by seq"
    assert conn.execute(kept, (schedule,)).fetchall() == [(1, "active"), (1, "paused"), (2, "paused")]


@pytest.mark.parametrize("table", ["run_history", "delivery_history", "schedule_history"])
@pytest.mark.parametrize("rewrite", ["update {} set seq = 0", "delete from {}", "truncate {}"])
def test_nobody_rewrites_history(conn: make.Connection, table: str, rewrite: str) -> None:
    with pytest.raises(psycopg.DatabaseError, match="is only added to") as error:
        conn.execute(rewrite.format(table).encode())
    assert error.value.sqlstate == "TC006"


def test_a_tenants_change_is_recorded_though_the_tenant_cannot_read_it(conn: make.Connection, tenant: UUID) -> None:
    schedule = make.schedule(conn, tenant)
    conn.execute("set role tocsin_api")
    conn.execute("select set_config('tocsin.tenant', %s, false)", (str(tenant),))
    conn.execute("update schedules set status = 'paused', next_fire_at = null where id = %s", (schedule,))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select from schedule_history")
    conn.execute("reset role")

    kept = "select status from schedule_history where schedule_id = %s order by seq"
    assert conn.execute(kept, (schedule,)).fetchall() == [("active",), ("paused",)]
