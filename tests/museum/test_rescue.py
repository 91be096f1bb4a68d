"""What is stuck comes loose: broken connections, lost owners, tickers that only seem to live."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg
import pytest

from api.gauges import MEASURE
from db.query import Query
from telemetry import metrics
from tests import make
from tests.museum.held import lease, queue
from tests.scheduler.ticking import Hand


class Cutter:
    """Ends the victim's connection before its n-th statement."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, killer: make.Connection) -> None:
        self.victim: make.Connection | None = None
        self.left = 0
        right = Query._execute

        def execute(query: Any, cursor: Any, params: dict[str, Any]) -> Any:
            conn: make.Connection = cursor.connection
            if conn is self.victim:
                self.left -= 1
                if self.left == 0:
                    killer.execute("select pg_terminate_backend(%s, 5000)", (conn.info.backend_pid,))
            return right(query, cursor, params)

        monkeypatch.setattr(Query, "_execute", execute)

    def passes(self, hand: Hand, url: str, number: int) -> bool:
        """Whether a ticker gets through a pass though its connection ends before that statement."""
        self.left = number
        with make.connect(url) as conn:
            self.victim = conn
            try:
                for step in hand.another().steps():
                    step(conn)
            except psycopg.Error:
                return False
        return True


def test_a_connection_that_ends_at_any_statement_leaves_no_schedule_stuck(
    hand: Hand, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """quartz#145: a trigger stays BLOCKED after an error of the database."""
    cutter = Cutter(monkeypatch, hand.conn)
    number, is_through = 0, False
    while not is_through:
        number += 1
        schedule = hand.schedule(interval_seconds=100_000, overlap_policy="queue")

        is_through = cutter.passes(hand, database, number)
        hand.turn()

        assert hand.runs(schedule) == [("queued", None)], f"cut before statement {number}"
        hand.end(hand.start(schedule))
        assert hand.value("select count(*) from schedule_gates where run_id is not null") == 0
    assert number > 10


@contextmanager
def a_broken_claim(conn: make.Connection) -> Iterator[None]:
    """The statement that claims schedules fails, and no other."""
    conn.execute("alter table schedules rename column misfire_limit to gone")
    yield
    conn.execute("alter table schedules rename column gone to misfire_limit")


def gauges(conn: make.Connection) -> dict[str, float]:
    """What an operator's rules see."""
    return {f"{row.gauge}{row.first_label}": row.value for row in MEASURE.all(conn)}


def pass_once(hand: Hand) -> None:
    """A pass as the loop makes it, which an error ends."""
    hand.ticker._last_pass.clear()
    with suppress(psycopg.Error):
        for step in hand.ticker.steps():
            step(hand.conn)


def test_a_ticker_that_cannot_claim_is_not_counted_among_the_living(hand: Hand) -> None:
    """river#1161: after an error at its start a leader lives on and does half of its work, and nobody is told."""
    leased_until = "select leased_until from processes where role = 'ticker'"
    pass_once(hand)
    assert gauges(hand.conn)["processesticker"] == 1
    with a_broken_claim(hand.conn):
        schedule = hand.schedule()
        before = hand.value(leased_until)
        for _ in range(3):
            pass_once(hand)
        assert hand.value(leased_until) == before
        hand.conn.execute("update processes set leased_until = now() where role = 'ticker'")
        pass_once(hand)

        seen = gauges(hand.conn)
        assert "processesticker" not in seen
        assert seen["due_schedules"] == 1
        assert seen["oldest_due_seconds"] > 0

    hand.turn()
    assert hand.runs(schedule) == [("queued", None)]
    assert gauges(hand.conn)["processesticker"] == 1


def test_the_last_tick_stands_still_while_no_claim_succeeds(hand: Hand) -> None:
    """river#1161: what shows that the loop lives must not be written by a loop that does nothing."""
    metrics.last_tick.set(0)
    with a_broken_claim(hand.conn), pytest.raises(psycopg.Error):
        hand.ticker.tick(hand.conn)

    (sample,) = next(iter(metrics.last_tick.collect())).samples

    assert sample.value == 0


STUCK: LiteralString = """
    insert into runs (id, slot_at, tenant_id, kind, queue, origin, state, available_at, released_at, fence, attempt,
        max_attempts, leased_by, deadline_at)
    select
        (lpad(to_hex((extract(epoch from slot) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8'
            || lpad(to_hex(n), 15, '0'))::uuid,
        slot, %(tenant)s, 'test.noop', 'default', 'manual', 'running', slot, slot, 2, 1, 5,
        (array[%(lost)s, %(stopped)s, %(unknown)s, %(alive)s, null]::uuid[])[1 + n %% 5], slot + interval '5 min'
    from generate_series(1, 5133) as n, lateral (
        select date_trunc('milliseconds', now()) - make_interval(mins => 10 + n * 22) as slot
    ) as s
"""


def test_thousands_that_are_stuck_for_months_are_all_taken_back(hand: Hand) -> None:
    """river#1258: 5,133 jobs stay `running` for up to 91 days."""
    now = make.now(hand.conn)
    owners = {
        "lost": make.process(hand.conn, lost_at=now),
        "stopped": make.process(hand.conn, stopped_at=now),
        "unknown": make.tenant(hand.conn),
        "alive": hand.process,
    }
    hand.value("select make_partitions(now() - interval '80 days', now())")
    with hand.conn.transaction():
        hand.conn.execute("set local session_replication_role to replica")
        hand.conn.execute(STUCK, owners | {"tenant": hand.tenant})

    # Each look takes five hundred.
    for _ in range(11):
        hand.turn()

    states = dict(hand.conn.execute("select state, count(*) from runs where leased_by is null group by 1").fetchall())
    assert sum(states.values()) == 5133
    # Those past their deadline wait for their next attempt.
    assert set(states) <= {"queued", "pending"}


def test_the_lost_are_rescued_though_nobody_takes_from_any_queue(hand: Hand) -> None:
    """procrastinate#1408: the job that rescues stalled jobs stalls itself."""
    (leased,) = lease(hand, queue(hand, 1))
    queue(hand, 2000)
    hand.rings.is_away = True
    hand.conn.execute("update processes set leased_until = now() - interval '1 ms'")

    hand.turn()

    row = hand.conn.execute("select state, queue, fence > %s from runs where id = %s", (leased.fence, leased.id))
    assert row.fetchone() == ("queued", "suspect", True)
