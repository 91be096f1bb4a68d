"""The web as a process: its ports, its signals, its exit."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.processes import free_port
from tests import make
from tests.races.proc import children, is_gone
from tests.system import System, until


@pytest.fixture
def system(database: str, redis: str, tmp_path: Path) -> Iterator[System]:
    with System(database, redis, tmp_path, METRICS_TOKEN="let-me-in") as started:
        yield started


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def roles_alive(system: System) -> int:
    return int(
        make.value(
            system.conn, "select count(*) from processes where role = 'web' and stopped_at is null and lost_at is null"
        )
    )


@pytest.mark.race
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_changes_nothing_and_the_row_is_ended(system: System, number: int) -> None:
    port, metrics_port = free_port(), free_port()
    web = system.start("api", wait_for="web.started", PORT=str(port), METRICS_PORT=str(metrics_port))
    until(lambda: roles_alive(system) == 1)
    assert json.loads(get(port, "/healthz")) == {"status": "alive"}
    assert 'tocsin_processes{role="web"} 1.0' in get(metrics_port, "/metrics")
    web.signal_group(number)
    web.signal_group(number)
    assert web.wait() == 0
    assert roles_alive(system) == 0


@pytest.mark.race
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_second_signal_at_the_very_end_changes_nothing_either(system: System, processes: str) -> None:
    web = system.start("api", PORT=str(free_port()), WEB_CONCURRENCY=processes)
    until(lambda: roles_alive(system) == int(processes), why=web.log)
    web.signal(signal.SIGTERM)
    until(lambda: web.log().count("web.stopped") == int(processes), why=web.log)
    while web.is_running():
        web.signal(signal.SIGTERM)

    assert web.wait() == 0


@pytest.mark.race
def test_a_web_alone_says_what_is_late(system: System) -> None:
    """No ticker and no worker lives; the mail waits for one, what is known does not."""
    make.insert(
        system.conn,
        "members",
        {"tenant_id": system.tenant, "subject": "ada", "email": "ada@example.com", "role": "admin"},
    )
    at = make.now(system.conn) - timedelta(minutes=11)
    day = {"interval_seconds": 86_400, "interval_anchor": at, "next_fire_at": at, "plan_from": at}
    late = make.schedule(system.conn, system.tenant, deliver_within_seconds=600, name="report", **day)
    system.conn.execute("update watches set since = %s", (at,))
    port = free_port()
    web = system.start("api", wait_for="web.started", PORT=str(port))
    until(lambda: make.value(system.conn, "select late_since from watches where schedule_id = %s", late), why=web.log)
    notice = "select params ->> 'subject' from runs where kind = 'notice.mail' and state = 'queued'"
    assert make.value(system.conn, notice) == "report is late"
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer let-me-in"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert "tocsin_overdue_schedules 1.0" in answer.read().decode()
    assert web.stop() == 0


@pytest.mark.race
def test_several_processes_share_the_port_and_each_is_replaced_when_it_dies(system: System) -> None:
    port = free_port()
    web = system.start("api", wait_for="web.started", PORT=str(port), WEB_CONCURRENCY="2")
    until(lambda: roles_alive(system) == 2)
    assert "ready" in get(port, "/readyz")
    pid = make.value(system.conn, "select pid from processes where role = 'web' limit 1")
    subprocess.run(["kill", "-9", str(pid)], check=True)
    web.until_says("web.died")
    until(lambda: make.value(system.conn, "select count(*) from processes where role = 'web'") == 3)
    assert web.stop() == 0


@pytest.mark.race
def test_children_of_a_killed_supervisor_end_their_rows_and_free_the_port(system: System) -> None:
    port = free_port()
    web = system.start("api", PORT=str(port), WEB_CONCURRENCY="2")
    until(lambda: roles_alive(system) == 2, why=web.log)
    orphans = children(web.pid)

    web.signal(signal.SIGKILL)
    assert web.wait() == -signal.SIGKILL

    until(lambda: all(map(is_gone, orphans)), 30, web.log)
    assert web.log().count("supervisor.lost") == 2
    assert roles_alive(system) == 0
    with socket.create_server(("", port)):
        pass


@pytest.mark.race
def test_children_of_a_supervisor_killed_before_they_served_go_too(system: System) -> None:
    web = system.start("api", PORT=str(free_port()), WEB_CONCURRENCY="2")
    orphans = until(lambda: found if len(found := children(web.pid)) == 2 else None, why=web.log)

    web.signal(signal.SIGKILL)
    assert web.wait() == -signal.SIGKILL

    until(lambda: all(map(is_gone, orphans)), 30, web.log)


def test_a_port_that_is_taken_is_one_clear_line(system: System) -> None:
    port = free_port()
    system.start("api", wait_for="web.started", PORT=str(port))
    environ = system._environ | {"PORT": str(port)}
    second = subprocess.run(
        [sys.executable, "-m", "tocsin", "api"], capture_output=True, text=True, env=environ, timeout=30
    )
    assert second.returncode == 1
    assert second.stderr.startswith(f"tocsin: PORT takes a port that is free and open to us, got {port}")
    assert second.stderr.count("\n") == 1


def test_the_command_prints_the_openapi_document_without_any_setting() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tocsin", "api", "--openapi"], capture_output=True, text=True, env={}, timeout=30
    )
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["info"]["title"] == "Tocsin"
