"""http.call from due row to history: a signed call arrives once, is tried again when it must be, and never otherwise."""

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.flow.world import World

pytestmark = pytest.mark.race

SECRET = "whsec_" + base64.b64encode(b"a secret of the receiver's own").decode()


class Receiver:
    """Keeps what it is called with; answers with the statuses given, the last one for ever."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.statuses = [204]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0])
                self.send_header("Retry-After", "1")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = Thread(target=found.server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def test_a_signed_call_arrives_once_and_says_whose_it_is(world: World, receiver: Receiver) -> None:
    schedule = world.schedule("http.call", {"url": receiver.url, "body": {"b": 1, "a": "é"}, "secret": SECRET})
    run = world.next_slot(schedule)
    assert (run["state"], run["outcome"]["status"], run["attempt"]) == ("succeeded", 204, 1)
    assert world.attempts(run["id"]) == ["done"]
    assert len(receiver.calls) == 1
    headers, body = receiver.calls[0]
    assert Webhook(SECRET).verify(body, headers) == {"a": "é", "b": 1}
    assert headers["webhook-id"] == headers["idempotency-key"] == headers["tocsin-run-id"] == str(run["id"])
    assert headers["tocsin-schedule-id"] == str(schedule)
    assert headers["tocsin-attempt"] == "1"
    assert headers["tocsin-slot"] == run["slot_at"].isoformat().replace("+00:00", "Z")


def test_the_secret_is_stored_sealed(world: World, receiver: Receiver) -> None:
    world.schedule("http.call", {"url": receiver.url, "secret": SECRET})
    stored = world.all(
        "select params::text as params from schedules union all select params::text from schedule_versions"
    )
    assert len(stored) == 2
    assert not [row for row in stored if SECRET in row["params"] or "sealed:" not in row["params"]]


def test_a_receiver_that_is_away_is_called_again_with_the_same_key_and_body(world: World, receiver: Receiver) -> None:
    receiver.statuses = [503, 429, 200]
    schedule = world.schedule("http.call", {"url": receiver.url, "body": {"n": 1}})
    run = world.next_slot(schedule)
    assert run["state"] == "succeeded"
    assert world.attempts(run["id"]) == ["later", "later", "done"]
    assert [headers["tocsin-attempt"] for headers, _ in receiver.calls] == ["1", "2", "3"]
    assert {headers["idempotency-key"] for headers, _ in receiver.calls} == {str(run["id"])}
    assert len({body for _, body in receiver.calls}) == 1


def test_a_receiver_that_refuses_is_not_called_again(world: World, receiver: Receiver) -> None:
    receiver.statuses = [410]
    run = world.next_slot(world.schedule("http.call", {"url": receiver.url}))
    assert run["state"] == "dead"
    assert world.attempts(run["id"]) == ["rejected"]
    assert len(receiver.calls) == 1
