"""Rogues with the owner's rights: what nobody of ours would write is refused by the database itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from db.ids import id_at
from tests import make

ILLEGAL_MOVE = "TC001"
FALLING_FENCE = "TC002"
STALE_FENCE = "TC003"
SLOT_DOES_NOT_ADVANCE = "TC004"
IDENTITY = "TC005"

RUN_MOVES = {
    "pending": {"queued", "cancelled", "skipped"},
    "queued": {"running", "cancelled", "skipped"},
    "running": {"succeeded", "pending", "dead", "cancelled", "skipped"},
    "dead": {"pending"},
    "succeeded": set[str](),
    "cancelled": set[str](),
    "skipped": set[str](),
}
DELIVERY_MOVES = {
    "pending": {"sending", "suppressed", "failed"},
    "sending": {"sent", "failed", "unknown", "pending"},
    "unknown": {"pending", "sent", "failed", "bounced"},
    "sent": {"bounced", "pending"},
    "failed": {"pending"},
    "suppressed": {"pending"},
    "bounced": {"pending"},
}


def refused(code: str) -> Any:
    """Expects the database to refuse with that code."""
    return pytest.raises(psycopg.DatabaseError, check=lambda error: getattr(error, "sqlstate", None) == code)


@pytest.fixture
def tenant(conn: make.Connection) -> UUID:
    return make.tenant(conn)


@pytest.fixture
def running(conn: make.Connection, tenant: UUID) -> UUID:
    """A run that a worker leased under fence 5."""
    return make.run(conn, tenant, state="running", fence=5, attempt=1, leased_by=make.process(conn))


@pytest.fixture
def sending(conn: make.Connection, tenant: UUID) -> UUID:
    """A delivery that a worker leased under fence 5."""
    slot = make.now(conn)
    run = make.run(conn, tenant, slot_at=slot)
    return make.delivery(conn, tenant, run, slot, state="sending", fence=5, attempts=1, leased_by=make.process(conn))


# A rogue ticker: it plans without locking, and inserts what it likes.


def insert_run(conn: make.Connection, schedule: UUID, slot: Any, **row: Any) -> None:
    tenant = make.value(conn, "select tenant_id from schedules where id = %s", schedule)
    moment = make.now(conn)
    row = {
        "id": id_at(slot), "slot_at": slot, "tenant_id": tenant, "schedule_id": schedule, "kind": "test.noop",
        "queue": "default", "origin": "schedule", "state": "queued", "available_at": moment,
        "released_at": moment,
    } | row  # fmt: skip
    make.insert(conn, "runs", row)


@pytest.mark.parametrize("grain", ["hour", "minute", "second"])
@pytest.mark.parametrize("origin", ["schedule", "backfill"])
def test_a_slot_has_one_run_whatever_its_grain(conn: make.Connection, tenant: UUID, grain: str, origin: str) -> None:
    schedule = make.schedule(conn, tenant)
    slot = make.value(conn, "select date_trunc(%s, now())", grain)
    insert_run(conn, schedule, slot)

    with pytest.raises(psycopg.errors.UniqueViolation, match="schedule_id_slot_at"):
        insert_run(conn, schedule, slot, origin=origin)
    insert_run(conn, schedule, slot - timedelta(seconds=1))
    insert_run(conn, schedule, slot, origin="manual")


def test_a_skipped_slot_has_no_run_beside(conn: make.Connection, tenant: UUID) -> None:
    schedule = make.schedule(conn, tenant)
    slot = make.now(conn)
    insert_run(conn, schedule, slot, state="skipped", reason="misfire")

    with pytest.raises(psycopg.errors.UniqueViolation):
        insert_run(conn, schedule, slot)


@pytest.mark.parametrize("to", ["last_slot_at - interval '1 second'", "last_slot_at - interval '1 hour'", "null"])
def test_the_last_slot_never_falls(conn: make.Connection, tenant: UUID, to: str) -> None:
    schedule = make.schedule(conn, tenant, last_slot_at=make.now(conn))

    with refused(SLOT_DOES_NOT_ADVANCE):
        conn.execute(f"update schedules set last_slot_at = {to} where id = %s", (schedule,))


@pytest.mark.parametrize("has_slot", [True, False])
def test_no_run_is_counted_unless_a_slot_passes(conn: make.Connection, tenant: UUID, has_slot: bool) -> None:
    # The second tick of a rogue pair: the same slot again, also the first one, which finds null before it.
    schedule = make.schedule(conn, tenant, last_slot_at=make.now(conn) if has_slot else None)

    with refused(SLOT_DOES_NOT_ADVANCE):
        conn.execute("update schedules set run_count = run_count + 1 where id = %s", (schedule,))
    with refused(SLOT_DOES_NOT_ADVANCE):
        conn.execute(
            "update schedules set run_count = run_count + 1, last_slot_at = last_slot_at where id = %s", (schedule,)
        )


def test_the_first_slot_and_the_next_second_pass(conn: make.Connection, tenant: UUID) -> None:
    schedule = make.schedule(conn, tenant)

    for _ in range(2):
        moved = conn.execute(
            "update schedules set run_count = run_count + 1, "
            "last_slot_at = coalesce(last_slot_at, now()) + interval '1 second' where id = %s",
            (schedule,),
        )
        assert moved.rowcount == 1


def test_a_run_begins_open_and_without_an_attempt(conn: make.Connection, tenant: UUID) -> None:
    schedule = make.schedule(conn, tenant)
    slot = make.now(conn)

    for state in ("running", "succeeded", "dead", "cancelled"):
        with refused(ILLEGAL_MOVE):
            insert_run(conn, schedule, slot, state=state)
    with refused(ILLEGAL_MOVE):
        insert_run(conn, schedule, slot, attempt=1)


# A rogue worker: it holds a fence that has moved on, or none.


@pytest.mark.parametrize("fence", [None, 4, 6])
@pytest.mark.parametrize(
    "write",
    [
        "state = 'succeeded'",
        "state = 'dead'",
        "outcome = '{}'",
        "progress = '{}'",
        "attempt = attempt + 1",
        "leased_by = gen_random_uuid()",
    ],
)
def test_a_worker_with_another_fence_writes_nothing(
    conn: make.Connection, running: UUID, fence: int | None, write: str
) -> None:
    with refused(STALE_FENCE):
        conn.execute(f"update runs set {write}, written_fence = %s where id = %s", (fence, running))


def test_a_worker_with_its_fence_writes_once(conn: make.Connection, running: UUID) -> None:
    progress = "update runs set progress = '{}', written_fence = 5 where id = %s"
    conn.execute(progress, (running,))

    with refused(STALE_FENCE):
        conn.execute("update runs set progress = '{\"x\": 1}' where id = %s", (running,))

    conn.execute("update runs set state = 'succeeded', written_fence = 5 where id = %s", (running,))
    with refused(STALE_FENCE):
        conn.execute("update runs set outcome = '{\"x\": 1}' where id = %s", (running,))


@pytest.mark.parametrize("old", ["pending", "queued", "running"])
def test_a_lease_needs_a_higher_fence(conn: make.Connection, tenant: UUID, old: str) -> None:
    run = make.run(conn, tenant, state=old, fence=5)
    to = {"pending": "queued", "queued": "running", "running": "pending"}[old]

    with refused(STALE_FENCE):
        conn.execute("update runs set state = %s where id = %s", (to, run))
    conn.execute("update runs set state = %s, fence = fence + 1 where id = %s", (to, run))


def test_a_fence_never_falls(conn: make.Connection, running: UUID, sending: UUID) -> None:
    with refused(FALLING_FENCE):
        conn.execute("update runs set fence = 4 where id = %s", (running,))
    with refused(FALLING_FENCE):
        conn.execute("update deliveries set fence = 4 where id = %s", (sending,))


@pytest.mark.parametrize("fence", [None, 4, 6])
@pytest.mark.parametrize("write", ["state = 'sent'", "state = 'pending'", "handed_over_at = now()"])
def test_a_sender_with_another_fence_writes_nothing(
    conn: make.Connection, sending: UUID, fence: int | None, write: str
) -> None:
    with refused(STALE_FENCE):
        conn.execute(
            f"update deliveries set {write}, written_fence = %s where id = %s",
            (fence, sending),
        )


# A rogue psql: it moves rows at will, and counts the fence up so that nobody stops it.


def _moves(legal: dict[str, set[str]], *, are_legal: bool) -> list[tuple[str, str]]:
    return [(old, new) for old in legal for new in legal if old != new and (new in legal[old]) is are_legal]


@pytest.mark.parametrize(("old", "new"), _moves(RUN_MOVES, are_legal=False))
def test_a_run_does_not_move_where_its_state_does_not_lead(
    conn: make.Connection, tenant: UUID, old: str, new: str
) -> None:
    run = make.run(conn, tenant, state=old, fence=5)

    with refused(ILLEGAL_MOVE):
        conn.execute("update runs set state = %s, fence = fence + 1 where id = %s", (new, run))


def test_a_run_moves_where_its_state_leads(conn: make.Connection, tenant: UUID) -> None:
    for old, new in _moves(RUN_MOVES, are_legal=True):
        run = make.run(conn, tenant, state=old, fence=5)
        assert conn.execute("update runs set state = %s, fence = 6 where id = %s", (new, run)).rowcount == 1


@pytest.mark.parametrize(("old", "new"), _moves(DELIVERY_MOVES, are_legal=False))
def test_a_delivery_does_not_move_where_its_state_does_not_lead(
    conn: make.Connection, tenant: UUID, old: str, new: str
) -> None:
    slot = make.now(conn)
    delivery = make.delivery(conn, tenant, make.run(conn, tenant, slot_at=slot), slot, state=old, fence=5)

    with refused(ILLEGAL_MOVE):
        conn.execute("update deliveries set state = %s, fence = fence + 1 where id = %s", (new, delivery))


@pytest.mark.parametrize(
    "change",
    [
        "id = gen_random_uuid()",
        "slot_at = slot_at + interval '1 second'",
        "tenant_id = gen_random_uuid()",
        "schedule_id = gen_random_uuid()",
        "origin = 'test'",
    ],
)
def test_a_run_keeps_its_identity(conn: make.Connection, running: UUID, change: str) -> None:
    with refused(IDENTITY):
        conn.execute(f"update runs set {change}, fence = fence + 1 where id = %s", (running,))


@pytest.mark.parametrize(
    "change",
    [
        "id = gen_random_uuid()",
        "slot_at = slot_at + interval '1 second'",
        "tenant_id = gen_random_uuid()",
        "run_id = gen_random_uuid()",
        "channel = 'webhook'",
        "recipient = 'else@example.com'",
    ],
)
def test_a_delivery_keeps_its_identity(conn: make.Connection, sending: UUID, change: str) -> None:
    with refused(IDENTITY):
        conn.execute(f"update deliveries set {change}, fence = fence + 1 where id = %s", (sending,))


def test_a_recipient_has_one_delivery_a_run_and_channel(conn: make.Connection, tenant: UUID) -> None:
    slot = make.now(conn)
    run = make.run(conn, tenant, slot_at=slot)
    make.delivery(conn, tenant, run, slot, recipient="a@example.com")

    with pytest.raises(psycopg.errors.UniqueViolation, match="run_id_channel_recipient"):
        make.delivery(conn, tenant, run, slot, recipient="a@example.com", recipient_type="bcc")
    make.delivery(conn, tenant, run, slot, recipient="b@example.com")


def test_a_death_has_one_dead_letter(conn: make.Connection, tenant: UUID) -> None:
    slot = make.now(conn)
    run = make.run(conn, tenant, slot_at=slot)
    letter: Callable[[], dict[str, Any]] = lambda: {  # noqa: E731  a fresh id each time
        "id": uuid4(), "run_id": run, "slot_at": slot, "tenant_id": tenant, "kind": "k", "cause": "expired",
        "attempts": 1, "fence": 7,
    }  # fmt: skip
    make.insert(conn, "dead_letters", letter())

    with pytest.raises(psycopg.errors.UniqueViolation):
        make.insert(conn, "dead_letters", letter())
