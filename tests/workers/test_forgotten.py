"""What Postgres says that a process leases, and the process knows nothing of, is given back after a doubt."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from db.pool import Database
from tests import make
from workers import forgotten as module
from workers.forgotten import Forgotten


class Desk:
    """A run and a delivery that a process leases, and that process's view."""

    def __init__(self, url: str) -> None:
        self.conn = make.connect(url)
        self.pool = Database.at(url).open_pool("test", 3)
        tenant = make.tenant(self.conn)
        self.process = make.process(self.conn)
        self.run_id = make.run(
            self.conn, tenant, state="running", leased_by=self.process, fence=3, attempt=2, max_attempts=5
        )
        told = make.run(self.conn, tenant, state="succeeded", slot_at=make.now(self.conn))
        slot = make.value(self.conn, "select slot_at from runs where id = %s", told)
        later = make.now(self.conn) + timedelta(minutes=2)
        self.delivery_id = make.delivery(
            self.conn, tenant, told, slot, state="sending", leased_by=self.process, fence=1, attempts=1,
            deadline_at=later,
        )  # fmt: skip
        self.heartbeat = SimpleNamespace(doubts=0, lease=SimpleNamespace(process_id=self.process))
        self.runs: set[tuple[UUID, int]] = set()
        self.deliveries: list[UUID | None] = [None]
        self.forgotten = Forgotten(
            self.pool, (self.pool, self.pool), cast(Any, self.heartbeat), self.runs, self.deliveries
        )

    def doubt(self) -> None:
        """What a lost answer tells."""
        self.heartbeat.doubts += 1

    def run(self) -> tuple[Any, ...]:
        """The run's state, fence, attempt and reason."""
        found = self.conn.execute("select state, fence, attempt, reason from runs where id = %s", (self.run_id,))
        return found.fetchone() or ()

    def is_expired(self) -> bool:
        """Whether the delivery's lease is over."""
        return bool(make.value(self.conn, "select deadline_at <= now() from deliveries"))


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    desk = Desk(database)
    yield desk
    desk.pool.close()
    desk.conn.close()


def test_what_was_forgotten_is_given_back(desk: Desk) -> None:
    desk.doubt()
    desk.forgotten.give_back()

    assert desk.run() == ("pending", 4, 1, "answer_lost")
    assert desk.is_expired()


def test_without_a_doubt_nothing_is_looked_at(desk: Desk) -> None:
    desk.forgotten.give_back()

    assert desk.run()[0] == "running"
    assert not desk.is_expired()


def test_what_is_held_stays(desk: Desk) -> None:
    desk.runs.add((desk.run_id, 3))
    desk.deliveries[0] = desk.delivery_id
    desk.doubt()
    desk.forgotten.give_back()

    assert desk.run() == ("running", 3, 2, None)
    assert not desk.is_expired()


def test_an_earlier_attempt_of_the_same_run_is_not_this_one(desk: Desk) -> None:
    desk.runs.add((desk.run_id, 2))
    desk.doubt()
    desk.forgotten.give_back()

    assert desk.run()[0] == "pending"


def test_what_another_process_leases_is_its_own(desk: Desk) -> None:
    desk.heartbeat.lease.process_id = make.process(desk.conn)
    desk.doubt()
    desk.forgotten.give_back()

    assert desk.run()[0] == "running"
    assert not desk.is_expired()


def test_a_statement_that_came_to_its_end_after_its_answer_was_lost_is_found_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOKS", (0.0, 0.0))
    desk.heartbeat.lease.process_id = make.process(desk.conn)
    desk.doubt()
    desk.forgotten.give_back()
    assert desk.run()[0] == "running"
    desk.heartbeat.lease.process_id = desk.process
    desk.forgotten.give_back()

    assert desk.run()[0] == "pending"


def test_a_look_that_failed_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as context:
        context.setattr(module.LIST_RUNS, "all", fail)
        desk.doubt()
        with pytest.raises(ConnectionError):
            desk.forgotten.give_back()
    desk.forgotten.give_back()

    assert desk.run()[0] == "pending"
