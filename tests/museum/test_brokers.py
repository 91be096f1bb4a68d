"""Redis goes away at the worst moment: no lock was in it, no retry, no delayed message."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from local.processes import free_port
from local.redis import Redis
from tests import make
from tests.attempts import BAD, OUTCOMES
from tests.races.traces import each_once, lines
from tests.system import System, until

pytestmark = pytest.mark.race

AT_ONCE = {"baseSeconds": 0.01, "maxSeconds": 0.02}


def test_two_tickers_without_redis_fire_each_slot_once(make_system: Callable[..., System], trace: Path) -> None:
    """redbeat#208: the error of taking the lock in Redis is swallowed, and beat runs without it."""
    system = make_system(BROKER_URL=f"redis://127.0.0.1:{free_port()}/0")
    tickers = [system.ticker(wait=False) for _ in range(2)]
    for ticker in tickers:
        ticker.until_says("ticker.started")
    soon = make.now(system.conn) + timedelta(seconds=0.5)
    with system.conn.transaction():
        for _ in range(100):
            make.schedule(
                system.conn, system.tenant, kind="test.record", params={"file": str(trace)}, scheduled_at=soon
            )
    system.notify()
    system.worker(wait=False)

    system.until_states(40, succeeded=100)

    assert each_once(trace, 100)
    assert system.value("select count(distinct schedule_id) from runs") == 100


def test_a_run_that_fails_while_redis_is_away_is_tried_again(
    make_system: Callable[..., System], make_redis: Callable[..., Redis], trace: Path
) -> None:
    """dramatiq#545: a retry that Redis does not take is acknowledged all the same, and the message is gone."""
    redis = make_redis()
    over = trace.with_name("over")
    system = make_system(BROKER_URL=redis.url)
    system.ticker(wait=False)
    system.worker(wait=False)
    params = {"file": str(trace), "until": str(over)}
    schedule = system.schedule(kind="test.wait_deaf", params=params, timeout_seconds=1, backoff=AT_ONCE)
    until(lambda: lines(trace, "began"), why=system.logs)

    # It fails by its deadline, with nobody there to take a message.
    redis.kill()
    until(lambda: len(lines(trace, "began")) > 1, why=system.logs)
    over.touch()

    system.until_states(30, succeeded=1)
    assert set(system.value(OUTCOMES)[:-1]) == {"later"}
    assert system.value("select count(*) from runs where schedule_id = %s", schedule) == 1


def test_a_thousand_delayed_runs_outlive_a_restart_of_redis(
    make_system: Callable[..., System], make_redis: Callable[..., Redis], trace: Path
) -> None:
    """dramatiq#527, #207: delayed messages are not run after Redis restarted."""
    redis = make_redis()
    system = make_system(BROKER_URL=redis.url)
    system.ticker(wait=False)
    system.worker(wait=False)
    now = make.now(system.conn)
    with system.conn.transaction():
        for number in range(1000):
            make.run(
                system.conn, system.tenant, slot_at=now + timedelta(milliseconds=number), kind="test.record",
                params={"file": str(trace)}, state="pending", fence=0, available_at=now + timedelta(days=1),
            )  # fmt: skip
    due = make.now(system.conn) + timedelta(seconds=3)
    system.conn.execute("update runs set available_at = %s", (due,))

    redis.kill()
    redis.start()

    system.until_states(60, succeeded=1000)
    assert each_once(trace, 1000)
    assert system.value("select min(started_at) >= %s from runs", due)
    assert system.value(BAD) == 0
