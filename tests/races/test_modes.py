"""Dry, held, and a copied database: what goes on, and what leaves the house."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from db import migrate
from db.pool import Database
from local.mail import MailSink
from local.postgres import Postgres
from tests import make
from tests.system import System, until

pytestmark = pytest.mark.race


def test_dry_runs_everything_and_sends_nothing(make_system: Callable[..., System], mail: MailSink) -> None:
    system = make_system(MAIL_URL=mail.url, TOCSIN_MODE="dry", TOCSIN_EGRESS_ALLOW="127.0.0.0/8")
    system.ticker(wait=False)
    system.worker(wait=False)
    system.schedule(kind="test.mail", params={"to": ["a@example.com"]})
    system.schedule(kind="http.call", queue="calls", params={"url": "http://127.0.0.1:1/"})

    system.until_states(succeeded=2)

    rows = system.conn.execute("select state, error from deliveries").fetchall()
    assert rows == [("suppressed", "TOCSIN_MODE is dry")]
    assert system.value("select outcome from runs where kind = 'http.call'") == {"suppressed": True}
    assert mail.mails() == []


def test_only_the_domains_named_are_mailed(make_system: Callable[..., System], mail: MailSink) -> None:
    system = make_system(MAIL_URL=mail.url, TOCSIN_RECIPIENT_DOMAINS="example.com")
    system.ticker(wait=False)
    system.worker(wait=False)
    system.schedule(kind="test.mail", params={"to": ["a@example.com", "b@example.org", "c@sub.example.com"]})

    mail.wait_for(1)
    until(lambda: system.value("select count(*) from deliveries where state = 'sent'") == 1)

    assert dict(system.conn.execute("select recipient, state from deliveries").fetchall()) == {
        "a@example.com": "sent",
        "b@example.org": "suppressed",
        "c@sub.example.com": "suppressed",
    }


def test_held_does_nothing_and_drains(make_system: Callable[..., System], trace: Path) -> None:
    system = make_system(TOCSIN_MODE="held")
    schedule = system.schedule(kind="test.record", params={"file": str(trace)})
    ticker = system.ticker()
    worker = system.worker(wait=False)
    worker.until_says("worker.held")
    until(lambda: system.value("select count(*) from processes where role = 'ticker'") == 1)

    assert system.value("select count(*) from runs") == 0
    assert system.value("select last_slot_at from schedules where id = %s", schedule) is None
    assert (ticker.stop(10), worker.stop(10)) == (0, 0)


def test_a_copied_database_is_held_until_it_is_adopted(
    postgres: Postgres, database: str, redis: str, tmp_path: Path, trace: Path
) -> None:
    with make.connect(database) as conn:
        tenant = make.tenant(conn)
        make.schedule(conn, tenant, kind="test.record", params={"file": str(trace)})
    name = f"copy_{uuid.uuid4().hex}"
    copy = postgres.create_database(name, template=database.rpartition("/")[2])
    try:
        with System(copy, redis, tmp_path) as system:
            ticker = system.ticker()
            assert "mode=held" in ticker.log()
            worker = system.worker(wait=False)
            worker.until_says("worker.held")
            assert ticker.stop(10) == worker.stop(10) == 0
            assert system.states() == {}

            with Database.at(copy).connect("adopt") as conn:
                migrate.adopt(conn)
            system.ticker()
            system.worker()
            system.until_states(succeeded=1)
    finally:
        postgres.drop_database(name)
