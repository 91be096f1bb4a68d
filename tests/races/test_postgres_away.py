"""Postgres is away when processes start, as after a failover: they live, wait, and ring once it is there."""

import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.processes import free_port
from proof.proxy import Proxy
from tests.system import Process, System, until

pytestmark = pytest.mark.race

# What docs/deploy.md counts, by the name that Postgres shows.
COUNTED = {
    f"tocsin {name}"
    for names in (
        ("web", "metrics"),
        ("ticker", "listen", "sweep"),
        ("worker", "worker lease", "worker first lease", "worker heartbeat", "finish", "crew"),
    )
    for name in names
}
AWAY = {"scheduler": "database.away", "workers": "database.away", "api": "presence.not_shown"}


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    """What stands before Postgres, and refuses whoever comes."""
    with Proxy(database) as standing:
        standing.hold(refuses=True)
        yield standing


@pytest.fixture
def apart(database: str, redis: str, tmp_path: Path, proxy: Proxy) -> Iterator[System]:
    """A system whose processes reach Postgres by the proxy alone."""
    with System(database, redis, tmp_path, DATABASE_URL=proxy.url) as started:
        yield started


def begun(system: System, module: str, **environ: str) -> tuple[Process, int]:
    port = free_port()
    process = system.start(module, METRICS_PORT=str(port), PORT=str(free_port()), **environ)
    return process, port


def is_alive(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)


def test_who_starts_before_postgres_lives_and_rings_once_it_is_there(
    apart: System, proxy: Proxy, tmp_path: Path
) -> None:
    started = {module: begun(apart, module) for module in AWAY}
    for module, (process, port) in started.items():
        process.until_says(AWAY[module])
        assert is_alive(port)
    apart.schedule(kind="test.record", params={"file": str(tmp_path / "trace")})

    proxy.release()

    apart.until_states(succeeded=1)
    there = "select count(distinct role) from processes where stopped_at is null"
    until(lambda: apart.value(there) == len(AWAY), why=apart.logs)
    # Nobody opened a connection that the page's sum does not count.
    held = apart.conn.execute("select application_name from pg_stat_activity where application_name like 'tocsin %'")
    assert {name for (name,) in held.fetchall()} <= COUNTED
    assert [process.stop() for process, _ in started.values()] == [0, 0, 0]


def test_who_waits_for_postgres_stops_at_once(apart: System) -> None:
    ticker, workers = begun(apart, "scheduler")[0], begun(apart, "workers", WORKER_PROCESSES="2")[0]
    ticker.until_says("database.away")
    until(lambda: workers.log().count("database.away") >= 2, why=workers.log)
    for process in (ticker, workers):
        process.signal_group(signal.SIGTERM)
    assert (ticker.wait(15), workers.wait(15)) == (0, 0), apart.logs()
    assert "Traceback" not in ticker.log() + workers.log()


def test_a_schema_that_does_not_fit_is_not_waited_for(
    empty_database: str, database: str, redis: str, tmp_path: Path
) -> None:
    with System(database, redis, tmp_path, DATABASE_URL=empty_database) as system:
        for module, processes in (("scheduler", "1"), ("workers", "1"), ("workers", "2")):
            process = system.start(module, WORKER_PROCESSES=processes)
            assert process.wait() == 1
            assert "run `tocsin migrate`" in process.log()
