"""Processes that die by their own work, and those that are killed with work in their hands."""

import os
import signal
from pathlib import Path

import pytest

from tests import make
from tests.races.proc import children, is_gone
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race

FAST = {"baseSeconds": 0.05, "maxSeconds": 0.1}


@pytest.mark.timeout(180)
def test_one_crashing_run_among_ninety_nine_ends_as_one_dead_and_ninety_nine_succeeded(
    system: System, trace: Path
) -> None:
    crashes = trace.with_name("crashes")
    with system.conn.transaction():
        for number in range(100):
            kind, file = ("test.crash", crashes) if number == 50 else ("test.record", trace)
            make.schedule(
                system.conn, system.tenant, kind=kind, params={"file": str(file)}, max_attempts=2, backoff=FAST
            )
    system.ticker(wait=False)
    system.worker(wait=False, WORKER_PROCESSES="2", TOCSIN_LEASE_SECONDS="0.5")

    system.until_states(90, succeeded=99, dead=1)

    assert system.value("select max(attempt) from runs where state = 'succeeded'") == 1
    assert system.value("select kind from runs where state = 'dead'") == "test.crash"
    assert system.value("select array_agg(cause) from dead_letters") == ["expired"]
    # Once among others, as one of many suspects, and then once an attempt.
    assert 2 <= len(lines(crashes)) <= 3


def test_a_killed_worker_that_holds_unstarted_packs_loses_and_burns_nothing(system: System, trace: Path) -> None:
    with system.conn.transaction():
        for _ in range(200):
            make.schedule(
                system.conn,
                system.tenant,
                kind="test.wait",
                params={"file": str(trace), "seconds": 0.02},
                max_attempts=1,
            )
    system.ticker()
    until(lambda: system.states() == {"queued": 200}, why=system.logs)
    doomed = system.worker(wait=False, WORKER_THREADS="2")
    until(lambda: len(lines(trace, "ended")) >= 10, why=doomed.log)
    doomed.kill()

    system.worker(wait=False)

    system.until_states(60, succeeded=200)
    assert system.value("select max(attempt) from runs") == 1
    began = [line.run for line in lines(trace, "began")]
    assert len(set(began)) == 200
    assert len(began) - 200 <= system.value("select count(*) from run_attempts where outcome = 'expired'")


def test_a_dead_child_is_started_again(system: System, trace: Path) -> None:
    system.ticker(wait=False)
    system.worker(wait=False, WORKER_PROCESSES="2")
    live = "select array_agg(pid) from processes where role = 'worker' and leased_until > now()"
    first = until(lambda: [pid for pid in system.value(live) or [] if len(system.value(live)) == 2], why=system.logs)
    system.schedule(kind="test.crash", params={"file": str(trace)}, max_attempts=1)

    system.until_states(dead=1)
    second = until(lambda: [pid for pid in system.value(live) or [] if len(system.value(live)) == 2], why=system.logs)

    assert set(first) != set(second)


def test_children_of_a_killed_supervisor_end_what_they_run_and_go(system: System, trace: Path) -> None:
    system.ticker()
    supervisor = system.worker(wait=False, WORKER_PROCESSES="2", WORKER_THREADS="2")
    until(lambda: supervisor.log().count("worker.started") == 2, why=supervisor.log)
    orphans = children(supervisor.pid)
    over = trace.with_name("over")
    for _ in range(4):
        params = {"file": str(trace), "until": str(over)}
        system.schedule(kind="test.wait_deaf", params=params, max_attempts=1)
    until(lambda: {line.pid for line in lines(trace, "began")} == set(orphans), why=supervisor.log)

    supervisor.signal(signal.SIGKILL)
    assert supervisor.wait() == -signal.SIGKILL
    until(lambda: supervisor.log().count("worker.draining") == 2, 10, supervisor.log)
    over.touch()

    until(lambda: all(map(is_gone, orphans)), 30, supervisor.log)
    assert {line.run for line in lines(trace, "ended")} == {line.run for line in lines(trace, "began")}
    assert system.value("select count(*) from processes where role = 'worker' and stopped_at is null") == 0
    assert system.value("select max(attempt) from runs") == 1
    assert "running" not in system.states()


def test_children_of_a_supervisor_killed_before_they_began_go_too(system: System) -> None:
    supervisor = system.worker(wait=False, WORKER_PROCESSES="2")
    orphans = until(lambda: found if len(found := children(supervisor.pid)) == 2 else None, why=supervisor.log)

    supervisor.signal(signal.SIGKILL)
    assert supervisor.wait() == -signal.SIGKILL

    until(lambda: all(map(is_gone, orphans)), 30, supervisor.log)


@pytest.mark.long
def test_a_schema_that_fits_no_longer_is_told_once_and_its_worker_is_tried_ever_later(system: System) -> None:
    supervisor = system.worker(wait=False, WORKER_PROCESSES="2")
    until(lambda: supervisor.log().count("worker.started") == 2, why=supervisor.log)
    removed = system.conn.execute("delete from schema_migrations where name ~ '^0048' returning name, checksum")
    row = removed.fetchone()
    os.kill(children(supervisor.pid)[0], signal.SIGKILL)
    supervisor.until_says("debug   worker    worker.unfit")
    system.conn.execute("insert into schema_migrations (name, checksum) values (%s, %s)", row)
    until(lambda: supervisor.log().count("worker.started") == 3, why=supervisor.log)

    said = supervisor.log()
    assert said.count("error   worker    worker.unfit") == 1
    assert said.count("worker.died") == 2  # killed, and then as often as it was tried
    assert "Traceback" not in said
    assert supervisor.stop() == 0
