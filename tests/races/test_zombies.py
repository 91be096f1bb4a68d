"""A zombie, stopped for longer than its lease and then continued, writes nothing and sends nothing."""

import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.mail import MailSink
from tests.attempts import OUTCOMES
from tests.races.proc import is_stopped
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race


@pytest.fixture
def calls() -> Iterator[tuple[str, list[str]]]:
    """An HTTP receiver's address and the Tocsin-Attempt of each call that reached it."""
    told: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.headers["Tocsin-Attempt"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_zombie_run_writes_nothing(system: System, trace: Path) -> None:
    system.ticker(wait=False)
    zombie = system.worker(wait=False, FAULT="before_finish:1:stop")
    schedule = system.schedule(kind="test.record", params={"file": str(trace)})
    until(lambda: is_stopped(zombie.pid), why=zombie.log)
    system.worker(wait=False)
    system.until_states(succeeded=1)
    whole = "select to_jsonb(r) from runs as r where schedule_id = %s"
    ended = system.value(whole, schedule)

    zombie.signal(signal.SIGCONT)
    zombie.until_says("finish.refused")
    zombie.until_says("lease.lost")

    assert system.value(whole, schedule) == ended
    assert ended["outcome"] == {"attempt": 1}
    assert system.value(OUTCOMES) == ["expired", "done"]
    assert len(lines(trace)) == 2

    # It is a worker as good as any again, under a new identity.
    for process in system.processes[2:]:
        process.kill()
    system.schedule(kind="test.record", params={"file": str(trace)})
    system.until_states(succeeded=2)
    assert lines(trace)[-1].pid == zombie.pid


@pytest.mark.parametrize("point", ["deliver_after_lease", "before_data", "before_dot"])
def test_a_zombie_sends_nothing(make_system: Callable[..., System], mail: MailSink, point: str) -> None:
    system = make_system(MAIL_URL=mail.url)
    system.ticker(wait=False)
    zombie = system.worker(wait=False, FAULT=f"{point}:1:stop")
    system.schedule(kind="test.mail", params={"to": ["a@example.com"]})
    until(lambda: is_stopped(zombie.pid), why=zombie.log)
    system.worker(wait=False)
    until(lambda: system.value("select state from deliveries") == "sent", why=system.logs)

    zombie.signal(signal.SIGCONT)
    zombie.until_says("delivery.lease_lost")

    assert len(mail.mails()) == 1
    assert system.value("select state from deliveries") == "sent"


def test_a_zombie_calls_nobody(make_system: Callable[..., System], calls: tuple[str, list[str]], database: str) -> None:
    url, told = calls
    system = make_system(TOCSIN_EGRESS_ALLOW="127.0.0.0/8")
    system.ticker(wait=False)
    zombie = system.worker(wait=False, FAULT="in_run:1:stop")
    system.schedule(kind="http.call", queue="calls", params={"url": url, "body": {"a": 1}})
    until(lambda: is_stopped(zombie.pid), why=zombie.log)
    system.worker(wait=False)
    system.until_states(succeeded=1)

    zombie.signal(signal.SIGCONT)
    zombie.until_says("finish.refused")

    assert told == ["1"]
    assert system.states() == {"succeeded": 1}


def test_a_stopped_ticker_keeps_no_schedule_from_the_others(system: System, trace: Path) -> None:
    stopped = system.ticker(wait=False, FAULT="after_claim:1:stop")
    system.worker(wait=False)
    for _ in range(3):
        system.schedule(kind="test.record", params={"file": str(trace)})
    until(lambda: is_stopped(stopped.pid), why=stopped.log)
    system.ticker(wait=False)

    # The server ends a transaction that idles for five seconds, and with it the stopped ticker's locks.
    system.until_states(succeeded=3)
    stopped.signal(signal.SIGCONT)
    stopped.until_says("pass.failed")

    assert len(lines(trace)) == 3
    system.schedule(kind="test.record", params={"file": str(trace)})
    system.until_states(succeeded=4)
