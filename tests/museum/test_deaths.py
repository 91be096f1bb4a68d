"""A worker dies by SIGKILL: how soon its run goes on, and what a worker of another release makes of it."""

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests import make
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race

LEASE_SECONDS = 3.0


def begin(system: System, trace: Path, over: Path) -> None:
    """Makes a run that takes until `over` is there, and waits for its start."""
    system.schedule(kind="test.wait", params={"file": str(trace), "until": str(over)}, max_attempts=1)
    until(lambda: lines(trace, "began"), why=system.logs)


def test_a_killed_workers_run_goes_on_within_two_leases(make_system: Callable[..., System], trace: Path) -> None:
    """graphile-worker#204, #222: a crash leaves its jobs locked for four hours."""
    over = trace.with_name("over")
    system = make_system(TOCSIN_LEASE_SECONDS=str(LEASE_SECONDS))
    system.ticker(wait=False)
    doomed = system.worker()
    begin(system, trace, over)
    system.worker()

    doomed.signal(signal.SIGKILL)
    killed_at = make.now(system.conn)
    until(lambda: len(lines(trace, "began")) == 2, why=system.logs)
    over.touch()

    system.until_states(succeeded=1)
    again = system.value("select started_at from runs")
    assert again - killed_at < timedelta(seconds=2 * LEASE_SECONDS)
    assert system.value("select attempt from runs") == 1, "the crash of a process costs no attempt"


def test_a_worker_that_does_not_know_the_kind_leaves_a_rescued_run_to_one_that_does(
    system: System, trace: Path
) -> None:
    """river#1105: the rescuer discards jobs of kinds that its own release does not know."""
    over = trace.with_name("over")
    system.ticker(wait=False)
    doomed = system.worker()
    begin(system, trace, over)
    doomed.signal(signal.SIGKILL)

    older = system.worker(TOCSIN_KINDS="")
    older.until_says("run.no_worker")
    waiting = "select state = 'pending' and reason = 'no_worker_for_kind' and attempt = 0 from runs"
    until(lambda: system.value(waiting), why=system.logs)
    assert older.stop() == 0
    over.touch()
    system.worker()
    system.conn.execute("update runs set available_at = now()")

    system.until_states(succeeded=1)
    assert system.value("select attempt from runs") == 1
    assert system.value("select count(*) from dead_letters") == 0
