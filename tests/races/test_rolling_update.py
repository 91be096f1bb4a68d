"""A rolling update under load: each process is replaced by a new one while the API is called and slots come due."""

import http.client
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import tokens
from local.processes import free_port
from proof.chaos.kinds import OWED
from proof.invariants.case import Limits
from proof.read import read_history
from proof.sinks import CallSink, read_sink, read_starts
from proof.verdict import judge
from tests.races.balancer import Balancer
from tests.system import Process, System, until

pytestmark = [pytest.mark.race, pytest.mark.slow, pytest.mark.timeout(400)]

# What the pod's preStop is: the time in which every balancer has heard that a process goes.
PAUSE_SECONDS = 0.3
RECURRING = 5


class Api:
    """Calls through the balancer, each on a connection of its own; whatever is not a good answer is kept."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.failed: list[str] = []
        self.answered = 0

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        """What it answers; None when it does not, or not well."""
        asking = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            asking.request(verb, path, json.dumps(body) if body else None, self._headers | {"Connection": "close"})
            answer = asking.getresponse()
            said = answer.read()
            if answer.status < http.client.MULTIPLE_CHOICES:
                self.answered += 1
                return json.loads(said)
            self.failed.append(f"{verb} {path}: {answer.status} {said[:200]!r}")
        except (OSError, http.client.HTTPException) as error:
            self.failed.append(f"{verb} {path}: {error!r}")
        finally:
            asking.close()
        return None


class Fleet:
    """The processes of a release, each replaced as a platform does it: the new one is ready before the old one is told."""

    def __init__(self, system: System, balancer: Balancer) -> None:
        self._system = system
        self._balancer = balancer
        self._running: list[tuple[str, Process, int]] = []
        self.statuses: list[int] = []

    def start(self, role: str) -> None:
        """A new process, ready."""
        if role != "web":
            self._running.append((role, getattr(self._system, role)(), 0))
            return
        port = free_port()
        process = self._system.start("api", wait_for="web.started", PORT=str(port))
        until(lambda: _is_ready(port), why=process.log)
        self._balancer.add(port)
        self._running.append((role, process, port))

    def update(self) -> None:
        """Every process is another one afterwards."""
        for old in list(self._running):
            self.start(old[0])
            self._end(*old)
            self._running.remove(old)

    def _end(self, role: str, process: Process, port: int) -> None:
        if role == "web":
            told = random.uniform(0, PAUSE_SECONDS)
            time.sleep(told)
            self._balancer.remove(port)
            time.sleep(PAUSE_SECONDS - told)
        process.signal_group(signal.SIGTERM)
        process.signal_group(signal.SIGTERM)
        self.statuses.append(process.wait(30))


def _is_ready(port: int) -> bool:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asking.request("GET", "/readyz")
        return asking.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        asking.close()


def _keep_calling(api: Api, sink: str, over: threading.Event, made: list[str]) -> None:
    """Makes one-time schedules that are due at once, and reads, again and again."""
    while not over.wait(0.1):
        slot = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        body = {"jobType": "chaos.call", "jobPayload": {"sink": sink}, "scheduledAt": slot}
        answer = api.call("POST", "/api/schedules", body)
        if answer:
            made.append(answer["id"])
            api.call("GET", f"/api/schedules/{answer['id']}")


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    """In front of the web."""
    with Balancer() as found:
        yield found


@pytest.mark.parametrize(("each", "rounds", "callers"), [(1, 1, 2), pytest.param(2, 5, 6, marks=pytest.mark.long)])
def test_a_rolling_update_fails_no_call_and_loses_and_doubles_no_run(
    make_system: Callable[..., System], balancer: Balancer, tmp_path: Path, each: int, rounds: int, callers: int
) -> None:
    calls = CallSink(tmp_path / "calls")
    with calls:
        system = make_system(TOCSIN_KINDS="proof.chaos.kinds:CALL", LOG_LEVEL="info")
        api = Api(balancer.port, tokens.create(system.conn, system.tenant, "rollout", "admin", created_by="test")[1])
        fleet = Fleet(system, balancer)
        for role in ("web", "web", *("ticker", "worker") * each):
            fleet.start(role)
        recurring = [
            api.call("POST", "/api/schedules", _every_second(calls.url, number))["id"] for number in range(RECURRING)
        ]
        over = threading.Event()
        made: list[str] = []
        threads = [threading.Thread(target=_keep_calling, args=(api, calls.url, over, made)) for _ in range(callers)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(rounds):
                fleet.update()
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        for schedule in recurring:
            api.call("POST", f"/api/schedules/{schedule}/pause", {"note": "over"})
        open_runs = "select count(*) from runs where state in ('pending', 'queued', 'running')"
        due = "select count(*) from schedules where status = 'active'"
        until(lambda: system.value(open_runs) + system.value(due) == 0, 60, system.logs)

        history = read_history(
            system.database, sink=read_sink(calls.folder), starts=read_starts(calls.folder), grace_seconds=0.0
        )
    assert api.failed == []
    assert set(fleet.statuses) == {0}
    assert len(fleet.statuses) == rounds * (2 + 2 * each)
    # A busy machine may be late; that is no part of this claim.
    verdict = judge(history, Limits(lag_seconds=60.0, owed=OWED))
    assert verdict.is_sound, verdict.as_text()
    assert verdict.figures.lost == verdict.figures.doubled == verdict.figures.stillOpen == 0
    assert set(made) <= {run.schedule for run in history.runs}
    sys.stdout.write(f"{api.answered} calls answered, {len(made)} schedules made by them\n{verdict.as_text()}\n")


def _every_second(sink: str, number: int) -> dict[str, Any]:
    return {"jobType": "chaos.call", "jobPayload": {"sink": sink}, "intervalSeconds": 1, "name": f"each {number}"}
