"""What stands between the processes is lost: rings, brokers, answers, the database itself."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from redis import Redis as Client

from local.postgres import Postgres
from proof.proxy import Proxy
from tests import make
from tests.attempts import BAD, DONE_TWICE
from tests.races.traces import each_once, lines
from tests.system import System, until

pytestmark = pytest.mark.race

MANY = """
    insert into schedules (id, tenant_id, kind, name, scheduled_at, next_fire_at, overlap_policy, params)
    select gen_random_uuid(), %s, 'test.record', 'm' || n || clock_timestamp(), now, now, 'allow', %s::jsonb
    from generate_series(1, %s) as n, lateral (select date_trunc('milliseconds', now()) as now) as at
"""


def record_many(system: System, trace: Path, count: int) -> None:
    """Makes schedules that are due now and leave a line each."""
    system.conn.execute(MANY, (system.tenant, f'{{"file": "{trace}"}}', count))
    system.notify()


def has_cut_since(proxy: Proxy, cuts: int) -> bool:
    """Whether the proxy has lost another answer."""
    return proxy.cuts > cuts


@pytest.mark.timeout(180)
def test_flushall_with_ten_thousand_queued_loses_and_doubles_none(system: System, trace: Path, redis: str) -> None:
    system.ticker()
    record_many(system, trace, 10_000)
    # Asked of indexes: counting all runs again and again would be most of the work that this test makes.
    until(lambda: system.value("select sum(run_count) from schedules") == 10_000, 60, system.logs)
    assert system.states() == {"queued": 10_000}
    with Client.from_url(redis) as client:
        until(lambda: client.llen("dramatiq:default") > 0)
        client.flushall()
        assert client.dbsize() == 0
    for _ in range(2):
        system.worker(wait=False, WORKER_THREADS="8")

    is_open = "select exists (select from runs where state in ('queued', 'running'))"
    until(lambda: not system.value(is_open), 90, system.logs)

    assert system.states() == {"succeeded": 10_000}
    assert each_once(trace, 10_000)
    assert system.value(BAD) == 0


def test_ghosts_and_garbage_on_the_queue_do_no_harm(system: System, trace: Path, redis: str) -> None:
    system.ticker()
    with Client.from_url(redis) as client:
        record_many(system, trace, 10)
        until(lambda: client.llen("dramatiq:default") >= 10)
        keys = {key: client.dump(key) for key in client.keys("dramatiq:default*")}
        worker = system.worker()
        system.until_states(succeeded=10)
        # An old snapshot comes back, and somebody pushes what is no message.
        for key, content in keys.items():
            client.restore(key, 0, content, replace=True)
        client.hset("dramatiq:default.msgs", "x", b"\x00garbage")
        client.rpush("dramatiq:default", "x", "not there")
        client.rpush("dramatiq:bell:default", "")
    worker.until_says("message.unreadable")
    record_many(system, trace, 10)
    system.until_states(succeeded=20)
    assert each_once(trace, 20)


def test_a_commit_whose_answer_is_lost_is_not_repeated(
    make_system: Callable[..., System], database: str, trace: Path
) -> None:
    system = make_system()
    with Proxy(database) as proxy:
        ticker = system.ticker(DATABASE_URL=proxy.url)
        system.worker()
        proxy.cut_after = re.compile(b"COMMIT")
        for _ in range(5):
            with system.conn.transaction():
                for _ in range(10):
                    params = {"file": str(trace)}
                    make.schedule(system.conn, system.tenant, kind="test.record", interval_seconds=3600, params=params)
            system.notify()
            until(partial(has_cut_since, proxy, proxy.cuts), why=ticker.log)
        proxy.cut_after = None

        system.until_states(40, succeeded=50)

    assert each_once(trace, 50)
    assert system.value("select bool_and(run_count = 1) from schedules")
    assert proxy.cuts >= 5


def test_a_finish_whose_answer_is_lost_is_not_repeated(
    make_system: Callable[..., System], database: str, trace: Path
) -> None:
    system = make_system()
    with Proxy(database) as proxy:
        system.ticker()
        worker = system.worker(DATABASE_URL=proxy.url, TOCSIN_LEASE_SECONDS="5")
        # The outcome that the kind returns, in an array of text or of bytes.
        proxy.cut_after = re.compile(rb'attempt\\?":1')
        record_many(system, trace, 5)
        until(lambda: proxy.cuts >= 2, why=worker.log)
        proxy.cut_after = None

        system.until_states(40, succeeded=5)

    assert each_once(trace, 5)
    assert system.value(BAD) == 0


@pytest.mark.timeout(180)
def test_postgres_killed_again_and_again_loses_and_doubles_nothing(
    make_postgres: Callable[..., Postgres], redis: str, tmp_path: Path, trace: Path
) -> None:
    from db.migrate import migrate
    from db.pool import Database

    server = make_postgres(settings={"fsync": "off", "synchronous_commit": "on"})
    url = server.create_database("killed")
    migrate(Database.at(url))
    with System(url, redis, tmp_path, TOCSIN_LEASE_SECONDS="5") as system:
        system.ticker()
        system.worker()
        for _ in range(4):
            record_many(system, trace, 50)
            until(lambda: len(lines(trace)) > 0)
            server.kill()
            server.start()
            system.conn.close()
            system.conn = make.connect(url)
        system.until_states(60, succeeded=200)

        runs = {line.run for line in lines(trace)}
        assert len(runs) == 200
        assert system.value(DONE_TWICE) == 0
        assert system.value("select max(attempt) from runs") == 1
