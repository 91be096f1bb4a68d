"""SIGTERM: to one process, to the whole group, and twice, as platforms send it."""

import signal
import time
from pathlib import Path

import pytest

from tests import make
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race


# What each of two does, one alone does too: it is the same code without its supervisor.
@pytest.mark.parametrize("processes", [pytest.param("1", marks=pytest.mark.long), "2"])
def test_sigterm_to_the_group_twice_drains(system: System, trace: Path, processes: str) -> None:
    with system.conn.transaction():
        for _ in range(40):
            params = {"file": str(trace), "seconds": 1.5}
            make.schedule(system.conn, system.tenant, kind="test.wait_deaf", params=params, max_attempts=1)
    system.ticker()
    worker = system.worker(wait=False, WORKER_PROCESSES=processes)
    until(lambda: len(lines(trace, "began")) >= 4 * int(processes), why=worker.log)

    worker.signal_group(signal.SIGTERM)
    until(lambda: "worker.draining" in worker.log(), why=worker.log)
    worker.signal_group(signal.SIGTERM)

    assert worker.wait(25) == 0, worker.log()
    began, ended = lines(trace, "began"), lines(trace, "ended")
    assert {line.run for line in began} == {line.run for line in ended}
    until(lambda: system.states().get("succeeded") == len(began))
    assert "running" not in system.states()
    assert system.value("select max(attempt) from runs where state <> 'succeeded'") == 0
    assert system.value("select count(*) from processes where role = 'worker' and stopped_at is null") == 0

    system.worker(wait=False, WORKER_THREADS="20")
    system.until_states(succeeded=40)
    assert len(lines(trace, "began")) == 40
    assert system.value("select max(attempt) from runs") == 1


def test_what_does_not_end_in_the_grace_is_given_back_and_burns_nothing(system: System, trace: Path) -> None:
    system.ticker(wait=False)
    worker = system.worker("--grace", "3")
    over = trace.with_name("over")
    for kind in ("test.wait", "test.wait_deaf", "test.wait_async"):
        params = {"file": str(trace), "until": str(over)}
        system.schedule(kind=kind, params=params, max_attempts=1)
    until(lambda: len(lines(trace, "began")) == 3, why=worker.log)

    began = time.monotonic()
    assert worker.stop() == 0, worker.log()
    assert time.monotonic() - began < 8

    assert {"running", "cancelled", "dead"} & set(system.states()) == set()
    assert system.value("select max(attempt) from runs") == 0
    over.touch()
    system.worker(wait=False)
    system.until_states(succeeded=3)
    assert system.value("select max(attempt) from runs") == 1


def test_a_worker_without_work_stops_at_once(system: System) -> None:
    worker = system.worker()
    began = time.monotonic()

    assert worker.stop() == 0, worker.log()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("is_supervised", [True, False])
def test_a_worker_that_just_begins_stops_too(system: System, is_supervised: bool) -> None:
    worker = system.worker(wait=False, WORKER_PROCESSES="2" if is_supervised else "1")
    live = "select count(*) from processes where role = 'worker'"
    until(lambda: system.value(live) > 0, why=worker.log)

    worker.signal_group(signal.SIGTERM)

    assert worker.wait(25) == 0, worker.log()


def test_a_ticker_stops_after_its_step(system: System) -> None:
    ticker = system.ticker()

    ticker.signal(signal.SIGTERM)
    ticker.signal(signal.SIGTERM)

    assert ticker.wait(10) == 0, ticker.log()
    assert system.value("select stopped_at is not null from processes where role = 'ticker'")


@pytest.mark.parametrize("role", ["ticker", "worker", "supervisor"])
def test_sigterm_again_and_again_until_the_very_end_changes_no_exit_status(system: System, role: str) -> None:
    processes = "2" if role == "supervisor" else "1"
    process = system.ticker() if role == "ticker" else system.worker(wait=False, WORKER_PROCESSES=processes)
    until(lambda: process.log().count(".started") >= int(processes), why=process.log)

    # The interpreter gives signals their defaults back while it ends.
    while process.is_running():
        process.signal_group(signal.SIGTERM)
        time.sleep(0.005)

    assert process.wait() == 0, process.log()
