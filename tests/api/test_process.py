"""The web as a process: its ports, its signals, its exit."""

import json
import os
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


def figures(page: str, *names: str) -> dict[str, list[float]]:
    """Every value that the page has under each name with its labels."""
    lines = [line.rpartition(" ") for line in page.splitlines()]
    return {name: [float(value) for series, _, value in lines if series == name] for name in names}


def become_late(system: System, count: int) -> None:
    """So many schedules that owe something; whichever process looks first counts each."""
    at = make.now(system.conn) - timedelta(minutes=11)
    day = {"interval_seconds": 86_400, "interval_anchor": at, "next_fire_at": at, "plan_from": at}
    for _ in range(count):
        schedule_id = make.schedule(system.conn, system.tenant, deliver_within_seconds=600, **day)
        system.conn.execute("update watches set since = %s where schedule_id = %s", (at, schedule_id))


@pytest.mark.race
def test_several_processes_share_the_port_and_show_one_truth_and_one_that_dies_is_replaced_and_its_counts_stay(
    system: System,
) -> None:
    port, metrics_port = free_port(), free_port()
    web = system.start("api", PORT=str(port), METRICS_PORT=str(metrics_port), WEB_CONCURRENCY="2")
    until(lambda: roles_alive(system) == 2, why=web.log)
    assert "ready" in get(port, "/readyz")
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer let-me-in"})

    def all_show(late: float) -> bool:
        """Whether whoever is asked shows each once, and so many late schedules, whichever process counted them."""
        pages = [get(metrics_port, "/metrics")]
        for _ in range(4):
            with urllib.request.urlopen(asked, timeout=10) as answer:
                pages.append(answer.read().decode())
        truth = {"tocsin_late_schedules_total": [late], "tocsin_overdue_schedules": [late]}
        return all(figures(page, *truth) == truth for page in pages)

    def files() -> list[str]:
        return sorted(each.name for each in system.folder.glob("tocsin-metrics-*/*"))

    become_late(system, 3)
    until(lambda: all_show(3))
    assert figures(get(metrics_port, "/metrics"), 'tocsin_processes{role="web"}') == {
        'tocsin_processes{role="web"}': [2]
    }
    before = files()

    pid = make.value(system.conn, "select pid from processes where role = 'web' limit 1")
    os.kill(pid, signal.SIGKILL)
    web.until_says("web.died")
    until(lambda: make.value(system.conn, "select count(*) from processes where role = 'web'") == 3, why=web.log)
    become_late(system, 1)
    until(lambda: all_show(4))
    assert files() == before != []
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
