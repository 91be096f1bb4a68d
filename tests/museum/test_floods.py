"""Many schedules and old snapshots: an edit, a claim and a tick cost what they always cost."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import RawCursor

from scheduler import schedules
from scheduler.frontier import FIRST_ID, LONG_AGO
from scheduler.ticker import CLAIM
from tests import make
from tests.museum.timed import TimedHand
from tests.scheduler.ticking import Hand

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2027, 1, 11, tzinfo=UTC)

MANY = """
    insert into schedules (id, tenant_id, kind, name, interval_seconds, interval_anchor, plan_from, next_fire_at,
        overlap_policy)
    select gen_random_uuid(), %(tenant)s, 'test.noop', 'm' || n, %(seconds)s, at, at, at + %(due)s, 'allow'
    from generate_series(1, %(count)s) as n, lateral (select date_trunc('milliseconds', now()) as at) as a
"""


@pytest.mark.slow
def test_an_edit_among_twenty_thousand_schedules_holds_up_nobody(hand: Hand) -> None:
    """django-celery-beat#675, #454: with 10,000 to 56,000 schedules each edit stalls beat for minutes to hours."""
    far = {"tenant": hand.tenant, "count": 20_000, "seconds": 86400, "due": timedelta(days=1)}
    hand.conn.execute(MANY, far)
    hand.conn.execute("analyze schedules")
    edited = hand.value("select id from schedules order by id limit 1")
    firing = [hand.schedule(interval_seconds=3600) for _ in range(20)]
    before = hand.value("select pg_current_xact_id()::text::bigint")

    began = time.monotonic()
    schedules.edit(hand.conn, hand.tenant, edited, {"interval_seconds": 7200})
    hand.ticker.woken()
    assert hand.ticker.tick(hand.conn) == 20
    took = time.monotonic() - began

    assert [hand.runs(each) for each in firing] == [[("queued", None)]] * 20
    assert took < 2, "measured 0.05 s"
    written = hand.value("select count(*) from schedules where xmin::text::bigint > %s", before)
    assert written == 21, "nobody else's row was touched"


def blocks_of_a_claim(timed: TimedHand, low: datetime, low_id: UUID) -> int:
    """How many blocks Postgres looks at for a claim that begins there."""
    values: dict[str, Any] = {"low": low, "low_id": low_id, "batch": 1000, "retention_days": 90, "ahead": 0}
    asked = f"explain (analyze, buffers, format json) {CLAIM.text}"
    row = RawCursor(timed.conn).execute(asked, [values[name] for name in CLAIM.params]).fetchone()
    assert row
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def test_an_old_snapshot_makes_no_claim_wade_through_what_is_done(
    make_timed: Callable[..., TimedHand], database: str
) -> None:
    """brandur.org/postgres-queues: one idle transaction keeps the dead rows, and each take walks through all of them."""
    timed = make_timed(MONDAY)
    timed.conn.execute("set enable_seqscan to off")
    timed.conn.execute(MANY, {"tenant": timed.tenant, "count": 500, "seconds": 60, "due": MINUTE})
    with make.connect(database) as idle, idle.transaction():
        idle.execute("set transaction isolation level repeatable read")
        idle.execute("select count(*) from schedules")

        for _ in range(20):
            timed.set_clock(timed.now + MINUTE)
            assert timed.tick() == 500

        timed.set_clock(timed.now + timedelta(seconds=30))
        frontier = timed.ticker._frontier
        assert frontier.at == MONDAY + 20 * MINUTE
        assert 5 * blocks_of_a_claim(timed, frontier.at, frontier.id) < blocks_of_a_claim(timed, LONG_AGO, FIRST_ID)

    assert timed.value("select count(*) from runs") == 20 * 500
