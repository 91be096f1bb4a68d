"""A delivery that only waits for another one is no attempt at it, however long that takes."""

from typing import Any

import pytest

from db.pool import Connection, Database
from tests import make
from workers.deliver import FINISH


@pytest.mark.parametrize(("is_waiting", "state", "attempts"), [(True, "pending", 11), (False, "failed", 12)])
def test_what_waits_for_an_earlier_message_uses_up_no_attempt(
    conn: make.Connection, shared: str, is_waiting: bool, state: str, attempts: int
) -> None:
    tenant = make.tenant(conn)
    run = make.run(conn, tenant, state="succeeded")
    slot = make.value(conn, "select slot_at from runs where id = %s", run)
    waits = make.delivery(conn, tenant, run, slot, state="pending")
    conn.execute("update deliveries set state = 'sending', fence = 1, attempts = 12 where id = %s", (waits,))
    ended: dict[str, Any] = {"state": "pending", "provider_message_id": "", "error": "waits", "retry_after": 15.0}
    owner: Connection
    with Database.at(shared).connect("test") as owner:
        FINISH.one(owner, id=waits, slot_at=slot, fence=1, is_waiting=is_waiting, **ended)
    found = conn.execute(
        "select state, attempts, extract(epoch from available_at - now()) < 16 from deliveries where id = %s", (waits,)
    ).fetchone()
    assert found
    assert found[:2] == (state, attempts)
    assert found[2] or not is_waiting, "it looks again soon, whatever attempt it is at"
