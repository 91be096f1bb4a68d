"""An upgrade with everything running: the previous release's web, ticker and worker on this release's schema, then both."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from db.migrate import migrate, migrations
from db.pool import Database
from local.processes import free_port
from proof.chaos.kinds import OWED
from proof.invariants.case import Limits
from proof.read import read_history
from proof.sinks import CallSink, read_sink, read_starts
from proof.verdict import judge
from tests.races.proc import children
from tests.released import ROOT, unpack
from tests.system import Process, System, until

pytestmark = [pytest.mark.race, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(240)]

EACH = 5
_RUNS_OF = """
    select count(*) from runs where state = 'succeeded' and leased_by in (select id from processes where pid = %s)
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The code of the previous release."""
    return unpack(tmp_path / "old")


def _command(code: Path, database: str, *words: str) -> str:
    """What `tocsin` of that code prints."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(code), "DATABASE_URL": database}
    command = [sys.executable, "-m", "tocsin", *words]
    return subprocess.run(command, cwd=code, env=environ, check=True, capture_output=True, text=True, timeout=60).stdout


def _asked(port: int, token: str, verb: str, path: str, body: Any = None) -> Any:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        asking.request(verb, path, json.dumps(body) if body else None, headers)
        answer = asking.getresponse()
        said = answer.read()
        assert answer.status < http.client.MULTIPLE_CHOICES, (verb, path, answer.status, said)
        return json.loads(said)
    finally:
        asking.close()


def test_the_previous_release_and_this_one_run_side_by_side_and_the_judge_says_sound(
    empty_database: str, redis: str, old: Path, tmp_path: Path
) -> None:
    _command(old, empty_database, "migrate")
    calls = CallSink(tmp_path / "calls")
    settings = {"TOCSIN_KINDS": "proof.chaos.kinds:CALL", "LOG_LEVEL": "info"}
    with calls, System(empty_database, redis, tmp_path, **settings) as system:
        slug = system.value("select slug from tenants")
        printed = _command(old, empty_database, "tokens", "create", "--scope", "admin", "--tenant", slug, "--json")
        token = json.loads(printed)["token"]

        def every_second(port: int, name: str) -> str:
            body = {"jobType": "chaos.call", "jobPayload": {"sink": calls.url}, "intervalSeconds": 1, "name": name}
            return str(_asked(port, token, "POST", "/api/schedules", body)["id"])

        def begin(role: str, **more: str) -> Process:
            started = {"scheduler": "ticker", "workers": "worker", "api": "web"}[role]
            return system.start(role, wait_for=f"{started}.started", **more)

        def works(process: Process, more: int = EACH) -> None:
            """Waits until the process has done that many more runs."""
            children = _pids(process)
            done = sum(system.value(_RUNS_OF, pid) for pid in children)
            until(lambda: sum(system.value(_RUNS_OF, pid) for pid in children) >= done + more, 60, system.logs)

        system.root = old
        old_port, new_port = free_port(), free_port()
        old_ticker, old_web = begin("scheduler"), begin("api", PORT=str(old_port))
        old_worker = begin("workers")
        made = [every_second(old_port, f"before {number}") for number in range(EACH)]
        works(old_worker)

        applied = migrate(Database.at(empty_database))
        assert applied
        assert applied[-1] == migrations()[-1].name
        # The old ones alone on the new schema: what they planned before, and what they are asked for now.
        made.append(every_second(old_port, "on the new schema"))
        works(old_worker, 3 * EACH)

        system.root = ROOT
        new_ticker, new_web = begin("scheduler"), begin("api", PORT=str(new_port))
        new_worker = begin("workers")
        made.append(every_second(new_port, "by the new one"))
        for process in (new_worker, old_worker):
            works(process)
        # Each edits what the other made, and both show it.
        for port, schedule in ((old_port, made[-1]), (new_port, made[0])):
            _asked(port, token, "POST", f"/api/schedules/{schedule}/pause", {"note": "x"})
            _asked(port, token, "POST", f"/api/schedules/{schedule}/resume")
            _asked(port, token, "GET", "/api/runs")

        assert [each.stop() for each in (old_web, old_ticker, old_worker)] == [0, 0, 0]
        works(new_worker)
        for schedule in made:
            _asked(new_port, token, "POST", f"/api/schedules/{schedule}/pause", {"note": "over"})
        open_runs = "select count(*) from runs where state in ('pending', 'queued', 'running')"
        until(lambda: system.value(open_runs) == 0, 60, system.logs)
        assert [each.stop() for each in (new_web, new_ticker, new_worker)] == [0, 0, 0]
        history = read_history(
            empty_database, sink=read_sink(calls.folder), starts=read_starts(calls.folder), grace_seconds=0.0
        )
    verdict = judge(history, Limits(lag_seconds=60.0, owed=OWED))
    assert verdict.is_sound, verdict.as_text()
    assert verdict.figures.lost == verdict.figures.doubled == verdict.figures.stillOpen == 0
    sys.stdout.write(verdict.as_text())


def _pids(process: Process) -> list[int]:
    return [process.pid, *children(process.pid)]


def test_the_previous_release_does_not_migrate_what_is_newer(database: str, old: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        _command(old, database, "migrate")
    assert "it is newer; deploy the newer release" in refused.value.stderr
