"""Limits at release among real tickers and workers, some of them killed: never more out than they let."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from tests import make
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race

MOST = 3


def most_out(system: System) -> int:
    """The most runs that were ever released and not over, by their history: a release is written after it counted."""
    out: set[UUID] = set()
    most = 0
    for run, state in system.conn.execute("select run_id, state from run_history order by seq").fetchall():
        if state in ("queued", "running"):
            out.add(run)
        else:
            out.discard(run)
        most = max(most, len(out))
    return most


@pytest.mark.timeout(180)
def test_tickers_and_workers_that_are_killed_let_no_more_out_than_the_limit(system: System, trace: Path) -> None:
    make.insert(system.conn, "limits", {"tenant_id": system.tenant, "name": "tenant", "max_running": MOST})
    tickers = [system.ticker() for _ in range(3)]
    workers = [system.worker() for _ in range(2)]
    with system.conn.transaction():
        for _ in range(120):
            make.schedule(system.conn, system.tenant, kind="test.record", params={"file": str(trace)}, max_attempts=5)
    system.notify()
    until(lambda: system.states().get("succeeded", 0) > 20, why=system.logs)
    tickers[0].kill()
    workers[0].kill()
    system.worker()

    system.until_states(90, succeeded=120)

    assert most_out(system) == MOST
    ran = Counter(line.run for line in lines(trace))
    assert len(ran) == 120
    # A worker that is killed between the line and its end did the work of its few runs, and another one does it again.
    assert sum(ran.values()) - 120 <= MOST


@pytest.mark.timeout(120)
def test_under_a_limit_the_end_of_one_run_starts_the_next_without_a_poll(system: System, trace: Path) -> None:
    make.insert(system.conn, "limits", {"tenant_id": system.tenant, "name": "tenant", "max_running": 1})
    system.ticker()
    system.worker()
    with system.conn.transaction():
        for _ in range(20):
            make.schedule(system.conn, system.tenant, kind="test.record", params={"file": str(trace)})
    system.notify()

    system.until_states(60, succeeded=20)

    waits = "select extract(epoch from max(started_at) - min(started_at))::float8 from runs"
    assert system.value(waits) < 19 * 1.0, "each waited for the look that is made once a second"
    assert most_out(system) == 1
