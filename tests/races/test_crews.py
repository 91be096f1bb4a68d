"""Crews among real tickers and workers, some of them killed: everybody is answered, and nobody is asked for nothing."""

from uuid import UUID

import pytest

from tests import make
from tests.crew import endpoint, open_crew, users
from tests.system import System, until

pytestmark = pytest.mark.race


def ask_now(system: System, **columns: object) -> UUID:
    """A crew that is due."""
    columns = {"kind": "crew.call", "queue": "calls", "overlap_policy": "skip", "max_attempts": 5} | columns
    found: UUID = make.schedule(system.conn, system.tenant, **columns)
    system.notify()
    return found


def crew_run(system: System) -> tuple[str, dict[str, object] | None]:
    rows = system.conn.execute("select state, outcome from runs where kind = 'crew.call'").fetchall()
    return (rows[0][0], rows[0][1]) if rows else ("none", None)


@pytest.mark.timeout(120)
def test_killed_workers_lose_no_user_and_repeat_nobody_whose_answer_was_kept(system: System) -> None:
    with open_crew(latency=0.2) as crew:
        users(system.conn, system.tenant, 300)
        endpoint(system.conn, system.tenant, crew.url, concurrency=40)
        system.ticker()
        workers = [system.worker(TOCSIN_EGRESS_ALLOW="127.0.0.0/8") for _ in range(2)]
        ask_now(system)
        for worker, done in zip(workers, (60, 150), strict=True):
            until(lambda done=done: len(crew.answered) >= done, 30, system.logs)  # type: ignore[misc]
            system.worker(TOCSIN_EGRESS_ALLOW="127.0.0.0/8")
            worker.kill()
        until(lambda: crew_run(system)[0] == "succeeded", 60, system.logs)
        outcome = crew_run(system)[1]
        assert outcome is not None
        assert {name: outcome[name] for name in ("users", "called", "answered", "failed", "skipped")} == {
            "users": 300, "called": 300, "answered": 300, "failed": 0, "skipped": 0,
        }  # fmt: skip
        assert system.value("select count(*) from crew_responses where status = 'answered'") == 300
        assert system.value("select count(distinct user_uid) from crew_responses") == 300
        assert crew.most_open <= 2 * 40
        # Whom a killed worker had asked is asked again, and the crew had told nobody; the ends of the last
        # hundredths of a second before the kill are all that may be lost.
        assert sum(crew.answered.values()) - 300 <= 10
        assert all(len(keys) == 1 for keys in crew.keys.values())
