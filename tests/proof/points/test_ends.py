"""Bad ends, many recipients, edits, a query and a full server: what other points leave open, in the same world."""

import contextlib
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest

from db.migrate import migrate
from db.pool import Database
from local.mail import MailSink
from local.postgres import Postgres
from proof.chaos.faults import FAULTS
from proof.chaos.world import World
from proof.records import Fault
from proof.sinks import CallSink
from tests import make
from tests.proof.points import sweep
from tests.proof.points.nursery import Nursery
from tests.proof.points.place import Place
from tests.system import until

pytestmark = pytest.mark.race


def judge(place: Place) -> None:
    """Waits until all is over, and judges."""
    place.until_over()
    verdict = place.judge()
    assert verdict.is_sound, verdict.as_text()


@pytest.mark.parametrize("point", ["before_finish", "after_finish"])
def test_a_bad_end_is_written_with_what_follows_from_it_or_not_at_all(place: Place, point: str) -> None:
    place.start("ticker")
    place.start("worker")
    assert place.strike("worker", point, 2, "kill", ("points.reject", "points.fail"))
    judge(place)
    # Each death has its one dead letter, and each failure its next attempt.
    deaths = "select count(*) from runs where kind = 'points.reject'"
    assert make.value(place.conn, "select count(*) from runs where state = 'dead'") == make.value(place.conn, deaths)
    assert make.value(place.conn, "select count(*) from dead_letters") == make.value(place.conn, deaths)
    assert make.value(place.conn, "select count(distinct run_id) from dead_letters") == make.value(place.conn, deaths)


def test_of_many_recipients_those_that_were_told_are_not_told_again(place: Place) -> None:
    place.start("ticker")
    place.start("worker")
    assert place.strike("worker", "deliver_after_lease", 15, "kill", ("chaos.mail",), count=4, recipients=25)
    judge(place)
    assert make.value(place.conn, "select count(distinct recipient) = count(*) from deliveries")


def test_edits_and_pauses_between_claim_and_run_leave_each_slot_to_one_version(place: Place) -> None:
    chance = random.Random(11)
    place.start("ticker")
    place.start("worker")
    ends_at = place.now() + timedelta(seconds=3)
    made = [
        place.make("chaos.work", {"sink": place.calls.url}, interval_seconds=1, ends_at=ends_at, misfire_policy="all")
        for _ in range(10)
    ]
    world = cast(World, SimpleNamespace(schedules=made, tenant=place.tenant, url=place.database))
    while place.now() < ends_at:
        with FAULTS["person"](world, chance):
            pass
    is_ahead = "select exists (select from schedules where status = 'active' and next_fire_at is not null)"
    until(lambda: not make.value(place.conn, is_ahead), 30, place.logs)
    judge(place)
    assert make.value(place.conn, "select count(*) from schedule_versions") > len(made)


def test_a_killed_workers_query_ends_on_the_server_by_the_runs_deadline(
    place: Place, postgres: Postgres, own_database: str
) -> None:
    sweep.prepare(place, own_database)
    place.start("ticker")
    doomed = place.start("worker")
    sweep.make_mail(place, query="select pg_sleep(60), 200 as value", timeoutSeconds=2)
    asked = "select count(*) from pg_stat_activity where query like '%%pg_sleep(60)%%' and pid <> pg_backend_pid()"
    until(lambda: make.value(place.conn, asked) == 1, why=doomed.log)
    doomed.kill()
    until(lambda: make.value(place.conn, asked) == 0, 10)


@pytest.fixture
def small(
    make_postgres: Callable[..., Postgres],
    redis: str,
    tmp_path: Path,
    nursery: Nursery,
    witnesses: tuple[CallSink, MailSink],
) -> Iterator[Place]:
    """A place on a server of its own that has few connections to give."""
    url = make_postgres(settings={"fsync": "off", "max_connections": "40"}).create_database("small")
    migrate(Database.at(url))
    with Place(url, redis, tmp_path, nursery, *witnesses) as place:
        yield place


def test_when_all_connections_are_taken_work_waits_and_goes_on(small: Place) -> None:
    ticker, worker = small.start("ticker"), small.start("worker")
    began = small.now().timestamp()
    with ExitStack() as taken:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                small.conn.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'tocsin %%' "
                    "and application_name <> 'tocsin points'"
                )
                taken.enter_context(psycopg.connect(small.database, autocommit=True))
        small.due()
        until(lambda: "not_extended" in worker.log() or "pool" in worker.log(), why=worker.log)
    small.until_over()
    small.faults.append(Fault(began, small.now().timestamp(), "connections taken", "postgres"))
    judge(small)
    assert ticker.status() is None
    assert worker.status() is None
