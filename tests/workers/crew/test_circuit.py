"""The circuit of an endpoint: several users whose calls fail open it, and one whose calls always do never."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import pytest

from db.pool import Connection, Database
from db.query import literal
from tests import make
from tests.crew import endpoint
from workers.crew.caller import RECORD, Circuit


class Endpoint:
    """An endpoint that is asked by hand."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.tenant = make.tenant(conn)
        self.id = endpoint(conn, self.tenant, "https://example.com")

    def calls(
        self,
        *failing: UUID,
        answered: int = 0,
        is_refused: bool = False,
        is_telling: bool = True,
        needed: int = 3,
        began_at: datetime | None = None,
    ) -> bool:
        """Counts calls that came to this together; whether the circuit is open then."""
        rows: Sequence[Circuit] = RECORD.all(
            self.conn,
            tenant_ids=[self.tenant],
            endpoint_ids=[self.id],
            schedule_ids=[None],
            answered=[answered],
            failed=[len(failing)],
            telling=[len(failing) * is_telling],
            refused=[len(failing) * is_refused],
            failing=literal([literal(failing if is_telling else ())]),
            needed=[needed],
            began_at=[began_at],
            errors=literal(["no answer" if failing else None]),
        )
        return any(row.open_seconds is not None for row in rows)

    def later(self, seconds: float) -> None:
        """Lets time pass for what is counted."""
        self.conn.execute(
            "update limits set strained_at = strained_at - make_interval(secs => %s), "
            "open_until = open_until - make_interval(secs => %s)",
            (seconds, seconds),
        )


@pytest.fixture
def asked(database: str) -> Iterator[Endpoint]:
    with Database.at(database).connect("test") as conn:
        yield Endpoint(conn)


ONE, TWO, THREE = uuid4(), uuid4(), uuid4()


def test_one_user_whose_calls_always_fail_opens_no_circuit(asked: Endpoint) -> None:
    for _ in range(20):
        assert not any(asked.calls(ONE) for _ in range(5))
        asked.later(60)


def test_two_users_are_no_outage_and_a_third_makes_one(asked: Endpoint) -> None:
    assert not any(asked.calls(each) for each in (ONE, TWO) * 3)
    assert asked.calls(THREE)


def test_an_answer_between_the_failures_keeps_it_shut(asked: Endpoint) -> None:
    for _ in range(3):
        assert not asked.calls(ONE, TWO)
        assert not asked.calls(answered=40)
        assert not asked.calls(THREE)


def test_a_fifth_of_many_calls_opens_it_and_fewer_do_not(asked: Endpoint) -> None:
    assert not any(asked.calls(uuid4(), answered=4) for _ in range(200))
    assert any(asked.calls(uuid4(), answered=3) for _ in range(100))


def test_failures_that_come_seldom_wear_off(asked: Endpoint) -> None:
    for _ in range(30):
        assert not asked.calls(*(uuid4() for _ in range(6)), answered=1)
        asked.later(60)


def test_it_is_shut_by_an_answer_to_whoever_tries_and_nobody_failed_then(asked: Endpoint) -> None:
    assert asked.calls(*(uuid4() for _ in range(5)))
    asked.later(3)
    assert not asked.calls(answered=1)
    row = asked.conn.execute("select failed_in_row, failing, strain from limits").fetchone()
    assert row == (0, [], 0.0)
    assert not asked.calls(ONE, TWO, THREE)


def test_an_endpoint_that_refuses_one_user_after_the_other_is_open_at_the_tenth(asked: Endpoint) -> None:
    assert not any(asked.calls(uuid4(), is_refused=True) for _ in range(9))
    assert asked.calls(uuid4(), is_refused=True)


def test_refusals_of_two_users_are_these_users_matter(asked: Endpoint) -> None:
    assert not any(asked.calls(each, is_refused=True) for each in (ONE, TWO) * 15)
    assert asked.calls(THREE, is_refused=True)


def test_refusals_among_answers_open_it_never_however_many_there_are(asked: Endpoint) -> None:
    for _ in range(100):
        assert not asked.calls(uuid4(), uuid4(), uuid4(), is_refused=True)
        assert not asked.calls(answered=1)


def test_whoever_tries_and_is_refused_leaves_it_open_for_longer(asked: Endpoint) -> None:
    assert asked.calls(*(uuid4() for _ in range(10)), is_refused=True)
    asked.later(3)
    assert asked.calls(uuid4(), is_refused=True)
    row = asked.conn.execute("select probes, open_until > now() + interval '3 s' from limits").fetchone()
    assert row == (1, True)


def test_a_larger_crew_needs_five_users_and_failures_that_tell_nothing_never_open_it(asked: Endpoint) -> None:
    assert not any(asked.calls(each, needed=5) for each in (ONE, TWO, THREE, uuid4()) * 3)
    assert not any(asked.calls(uuid4(), is_telling=False) for _ in range(50))
    assert asked.calls(uuid4(), needed=5)


def test_whoever_tries_and_fails_leaves_it_open_whether_or_not_that_tells_something(asked: Endpoint) -> None:
    assert asked.calls(*(uuid4() for _ in range(5)))
    asked.later(3)
    assert asked.calls(ONE, is_telling=False)
    assert asked.conn.execute("select probes, failed_in_row from limits").fetchone() == (1, 5)


def test_that_it_answers_is_written_once_for_each_crew(asked: Endpoint) -> None:
    def answered_at(began_at: datetime) -> datetime:
        asked.calls(answered=1, began_at=began_at)
        found: datetime = make.value(asked.conn, "select answered_at from limits")
        return found

    began = make.now(asked.conn)
    first = answered_at(began)
    assert began <= first
    assert answered_at(began) == answered_at(began - timedelta(hours=1)) == first
    assert answered_at(make.now(asked.conn)) > first


def test_an_outage_that_nobody_could_be_told_of_is_told_once_somebody_is_there(asked: Endpoint) -> None:
    told: LiteralString = "select params ->> 'subject' from runs where kind = 'notice.mail' order by created_at, id"
    assert asked.calls(ONE, TWO, THREE, ONE, TWO)
    asked.later(3)
    asked.calls(ONE)
    assert asked.conn.execute("select is_told, told_at from limits").fetchone() == (False, None)
    member = "insert into members (tenant_id, subject, email, role) values (%s, 'o', 'o@example.com', 'admin')"
    asked.conn.execute(member, (asked.tenant,))
    assert asked.conn.execute(told).fetchall() == []
    for _ in range(2):
        asked.later(60)
        asked.calls(TWO)
    name = asked.conn.execute("select name from crew_endpoints").fetchone()
    assert name is not None
    assert asked.conn.execute(told).fetchall() == [(f"The crew endpoint {name[0]} gives no answer",)]
    asked.later(60)
    assert not asked.calls(answered=1)
    assert len(asked.conn.execute(told).fetchall()) == 2
