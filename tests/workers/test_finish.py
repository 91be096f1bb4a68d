"""The finisher: ends in groups, each once, whatever Postgres answers or doesn't."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest

from db.ids import id_at
from db.pool import Database
from db.processes import Lease
from tests import make
from tests.scheduler.ticking import Hand
from tests.system import until
from workers import finish as module
from workers.finish import Body, End, Finisher, Intent
from workers.rows import Leased


class Desk:
    """A finisher on a database, with runs to end."""

    def __init__(self, url: str) -> None:
        self.hand = Hand(url)
        self.told: list[End] = []
        self.finisher = Finisher(Database.at(url), self.told.extend)
        self.lease = Lease(self.hand.process, 60.0, held_until=float("inf"))

    def leased(self, **row: Any) -> Leased:
        """A run that this process leased."""
        schedule = self.hand.schedule(**row)
        self.hand.turn()
        return self.hand.start(schedule)

    def end(self, leased: Leased, state: str = "succeeded", **end: Any) -> End:
        outcome = {"succeeded": "done", "pending": "later", "dead": "raised"}[state]
        return End(leased, self.lease, state, **({"attempt_outcome": outcome} | end))

    def mail(self, leased: Leased) -> dict[str, Any]:
        """What an end carries that tells somebody."""
        intent = Intent(id_at(leased.slot_at), "email", "a@example.com", "to", 0, "pending", None)
        return {"bodies": (Body(0, "<x@y>", b"x"),), "intents": (intent,)}

    def finish_all(self, *ends: End) -> None:
        """Has them in one group, as if they came at the same moment, and waits for the last."""
        for end in ends:
            self.finisher.finish(end)
        self.finisher.start()
        self.finisher.stop(20)

    def state(self, leased: Leased) -> tuple[str, str | None]:
        row = self.hand.conn.execute("select state, reason from runs where id = %s", (leased.id,)).fetchone()
        assert row
        return row[0], row[1]


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    desk = Desk(database)
    with closing(desk.hand):
        yield desk


def count_statements(monkeypatch: pytest.MonkeyPatch, before: Callable[[Any], None] = lambda _: None) -> list[int]:
    """The sizes of the groups that are written from now on."""
    sizes: list[int] = []
    right = module.FINISH.all

    def counted(conn: Any, **params: Any) -> Any:
        sizes.append(len(params["ids"]))
        before(params)
        return right(conn, **params)

    monkeypatch.setattr(module.FINISH, "all", counted)
    return sizes


def test_what_comes_together_is_written_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = count_statements(monkeypatch)
    leased = [desk.leased() for _ in range(20)]

    desk.finish_all(*map(desk.end, leased))

    assert sizes == [20]
    assert {desk.state(each) for each in leased} == {("succeeded", None)}
    assert len(desk.told) == 20


def test_one_that_postgres_cannot_store_does_not_take_the_others_with_it(desk: Desk) -> None:
    leased = [desk.leased() for _ in range(7)]
    bad = desk.leased(max_attempts=1)
    ends = [desk.end(each) for each in leased]
    ends.insert(3, desk.end(bad, outcome='{"a": "\\u0000"}'))

    desk.finish_all(*ends)

    assert {desk.state(each) for each in leased} == {("succeeded", None)}
    assert desk.state(bad) == ("dead", "outcome_not_storable")


def test_one_that_cannot_even_be_sent_does_not_end_the_thread(desk: Desk) -> None:
    good, bad = desk.leased(), desk.leased(max_attempts=1)

    desk.finish_all(desk.end(bad, error="\ud800"), desk.end(good))

    assert desk.state(good) == ("succeeded", None)
    assert desk.state(bad) == ("dead", "outcome_not_storable")


def test_of_two_ends_of_a_run_the_first_counts_and_the_others_mails_are_void(desk: Desk) -> None:
    leased = desk.leased()

    desk.finish_all(desk.end(leased, "pending", delay=3600.0), desk.end(leased, **desk.mail(leased)))

    assert desk.state(leased)[0] == "pending"
    assert desk.hand.value("select count(*) from deliveries") == 0
    assert len(desk.told) == 1


def test_an_end_under_an_old_fence_is_refused_beside_one_under_the_new(desk: Desk) -> None:
    old = desk.leased()
    desk.hand.conn.execute("update runs set state = 'pending', fence = fence + 1, available_at = now()")
    desk.hand.turn()
    assert old.schedule_id
    new = desk.hand.start(old.schedule_id)

    desk.finish_all(desk.end(old, "dead", cause="expired"), desk.end(new))

    assert desk.state(new) == ("succeeded", None)
    assert [each.leased.fence for each in desk.told] == [new.fence]


def test_after_a_lost_answer_the_group_is_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    leased = [desk.leased() for _ in range(3)]
    right, calls = module.FINISH.all, []

    def lose(conn: Any, **params: Any) -> Any:
        rows = right(conn, **params)
        calls.append(rows)
        if len(calls) == 1:
            conn.close()
            raise psycopg.OperationalError("the answer is lost")
        return rows

    monkeypatch.setattr(module.FINISH, "all", lose)
    desk.finish_all(*(desk.end(each, **desk.mail(each)) for each in leased))

    assert len(calls) == 2
    assert len(desk.told) == 3
    assert desk.hand.value("select count(*) from deliveries") == 3
    assert desk.hand.value("select count(*) from runs where state = 'succeeded'") == 3


def test_an_outage_longer_than_the_lease_does_not_lose_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    leased = desk.leased()
    desk.lease.held_until = 0.0
    failures = iter([True, True, True])
    right = Database.connect

    def connect(self: Database, name: str, **options: Any) -> Any:
        if next(failures, False):
            raise psycopg.OperationalError("no server")
        return right(self, name, **options)

    monkeypatch.setattr(Database, "connect", connect)
    desk.finish_all(desk.end(leased))

    assert desk.state(leased) == ("succeeded", None)


def test_once_the_lease_is_known_to_be_lost_the_ends_are_void(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    leased = desk.leased()
    desk.lease.is_lost = True
    is_done = threading.Event()

    def connect(self: Database, name: str, **options: Any) -> Any:
        raise psycopg.OperationalError("no server")

    monkeypatch.setattr(Database, "connect", connect)
    desk.finish_all(desk.end(leased, when_done=is_done.set))

    assert is_done.is_set()
    assert desk.told == []


def test_everything_is_committed_with_the_outcome_or_nothing(desk: Desk) -> None:
    leased = desk.leased()
    mail = desk.mail(leased)
    desk.hand.conn.execute("alter table deliveries add constraint nobody check (recipient <> 'a@example.com')")

    desk.finish_all(desk.end(leased, **mail))

    assert desk.state(leased) == ("pending", "outcome_not_storable")
    assert desk.hand.value("select count(*) from delivery_bodies") == 0


def test_an_end_with_a_run_at_the_gate_wakes_the_tickers(desk: Desk, database: str) -> None:
    first = desk.leased(interval_seconds=100000, overlap_policy="queue")
    make.run(
        desk.hand.conn,
        desk.hand.tenant,
        schedule_id=first.schedule_id,
        state="pending",
        available_at="infinity",
        fence=0,
    )
    with make.connect(database) as listener:
        listener.execute("listen tocsin")
        desk.finish_all(desk.end(first))
        assert until(lambda: list(listener.notifies(timeout=0.1)), 5)


def test_a_step_is_refused_once_the_run_was_taken_away(desk: Desk) -> None:
    from db.query import Query
    from workers.rows import Value

    leased = desk.leased()
    step: Any = {"run_id": leased.id, "slot_at": leased.slot_at, "name": "s", "result": "1"}
    insert = Query("insert_step", Value)

    assert insert.one(desk.hand.conn, fence=leased.fence, **step) == (1,)
    desk.hand.conn.execute("update runs set state = 'pending', fence = fence + 1 where id = %s", (leased.id,))
    assert insert.one(desk.hand.conn, fence=leased.fence, **step) is None
    assert isinstance(leased.id, UUID)
