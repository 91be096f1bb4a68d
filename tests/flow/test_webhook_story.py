"""webhook.send from due row to history: what happens is told once, signed, with the same bytes until it is heard."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis
from standardwebhooks import Webhook

from api import webhooks
from config.seal import Seal
from db.jsonb import Jsonb
from tests import make
from tests.flow.world import KEY, World
from tests.museum.held import at_once
from tests.system import System, until
from workers.lease import START

pytestmark = pytest.mark.race

SECRET = "whsec_" + base64.b64encode(b"a secret of the receiver's own").decode()
EVERY = ["run.succeeded", "run.dead", "run.delivered", "alert.firing", "alert.resolved"]
ALERT = {
    "alertName": "Unsold seats",
    "recipients": ["ops@example.com"],
    "source": "box office",
    "query": "select value from figure",
    "condition": "GREATER_THAN",
    "thresholdValue": "100",
}


class Receiver:
    """Believes what verifies with the reference library; answers with the statuses given, the last one for ever."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.statuses = [204]
        self.may_answer = Event()
        self.may_answer.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.may_answer.wait(20)
                Webhook(SECRET).verify(body, headers)
                receiver.calls.append((headers, body))
                self.send_response(receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0])
                self.send_header("Retry-After", "1")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def events(self) -> list[str]:
        """What it was told, in the order of the alphabet."""
        return sorted(Webhook(SECRET).verify(body, headers)["type"] for headers, body in self.calls)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = Thread(target=found.server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    found.may_answer.set()
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def hook(world: World, receiver: Receiver, events: list[str] = EVERY) -> UUID:
    """A webhook at the receiver, made as the API makes it."""
    conn, tenant = world.system.conn, world.system.tenant
    made, _ = webhooks.create(conn, tenant, "ops", receiver.url, events, SECRET, world.seal)
    return made.id


def sends(world: World) -> list[dict[str, Any]]:
    return world.all("select id, state, attempt, error, outcome from runs where kind = 'webhook.send' order by slot_at")


def until_over(world: World, count: int) -> list[dict[str, Any]]:
    """The runs that send, once there are so many and none is open."""
    until(
        lambda: len(sends(world)) == count and {each["state"] for each in sends(world)} <= {"succeeded", "dead"},
        why=world.system.logs,
    )
    return sends(world)


def test_an_alert_tells_that_it_fires_is_delivered_and_is_back_each_once(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    world.source("box office")
    world.figures.execute("update figure set value = 150")
    schedule = world.alert(ALERT)
    run = world.next_slot(schedule)
    until_over(world, 3)
    assert receiver.events() == ["alert.firing", "run.delivered", "run.succeeded"]
    [firing] = [body for _, body in receiver.calls if b"alert.firing" in body]
    assert f'"runId":"{run["id"]}"'.encode() in firing
    assert b'"value":"150"' in firing
    world.figures.execute("update figure set value = 50")
    world.next_slot(schedule)
    until_over(world, 6)
    assert receiver.events() == ["alert.firing", "alert.resolved", *["run.delivered"] * 2, *["run.succeeded"] * 2]
    assert len({headers["webhook-id"] for headers, _ in receiver.calls}) == 6


def test_a_receiver_that_is_away_is_told_again_with_the_same_id_and_bytes(world: World, receiver: Receiver) -> None:
    hook(world, receiver, ["run.dead"])
    receiver.statuses = [503, 429, 200]
    run = world.next_slot(world.schedule("http.call", {"url": "http://10.0.0.1/"}))
    assert run["state"] == "dead"
    [send] = until_over(world, 1)
    assert (send["state"], send["attempt"], send["outcome"]) == ("succeeded", 3, {"status": 200})
    assert {headers["webhook-id"] for headers, _ in receiver.calls} == {str(send["id"])}
    assert len({body for _, body in receiver.calls}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.calls}) == 3
    assert len({headers["webhook-signature"] for headers, _ in receiver.calls}) == 3


def test_a_receiver_that_is_gone_is_called_once_and_the_admins_are_told(world: World, receiver: Receiver) -> None:
    """notice.mail from due row to history: each admin gets one mail, branded as the tenant's."""
    conn, tenant = world.system.conn, world.system.tenant
    brand = {"name": "Acme & Co", "color": "#1d4ed8", "footer": "Acme Ltd, 1 High Street"}
    conn.execute("update tenants set settings = %s where id = %s", (Jsonb({"branding": brand}), tenant))
    for name, row in (
        ("admin", {"role": "admin"}),
        ("viewer", {"role": "viewer"}),
        ("former", {"role": "admin", "disabled_at": make.now(conn)}),
    ):
        make.insert(conn, "members", {"tenant_id": tenant, "subject": name, "email": f"{name}@example.com"} | row)
    webhook = hook(world, receiver, ["run.dead"])
    receiver.statuses = [410]
    schedule = world.schedule("http.call", {"url": "http://10.0.0.1/"})
    world.next_slot(schedule)
    [send] = until_over(world, 1)
    assert (send["state"], send["attempt"]) == ("dead", 1)
    found = webhooks.get(conn, tenant, webhook)
    assert (found.status, found.disabled_reason) == ("disabled", "its receiver answered 410: it is gone for good")
    assert world.all("select who, action, subject_id from audit_log") == [
        {"who": "system", "action": "webhook.disabled", "subject_id": str(webhook)}
    ]
    # Its owner is told of the death as well, by a notice of its own.
    of_send = "select id from runs where kind = 'notice.mail' and state = 'succeeded' and parent_run_id = %s"
    [notice] = until(lambda: world.all(of_send, send["id"]), why=world.system.logs)
    [delivery] = world.until_delivered(notice["id"])
    assert (delivery["recipient"], delivery["state"]) == ("admin@example.com", "sent")
    [mail] = [each for each in world.mail.mails() if "The webhook ops was disabled" in str(each)]
    parts = {part.get_content_subtype(): part.get_content() for part in mail.message.iter_parts()}
    text, page = parts["plain"], parts["html"]
    assert text.splitlines()[-4:] == ["", "-- ", "Acme & Co", "Acme Ltd, 1 High Street"]
    assert "background:#1d4ed8" in page
    assert "Acme &amp; Co" in page

    world.next_slot(schedule)
    assert len(sends(world)) == 1
    assert len(receiver.calls) == 1


AT_ONCE = 50


def test_an_event_that_is_rung_fifty_times_at_once_is_sent_once(
    database: str, redis: str, tmp_path: Path, receiver: Receiver
) -> None:
    environ = {"TOCSIN_EGRESS_ALLOW": "127.0.0.0/8", "TOCSIN_SECRET_KEYS": KEY, "WORKER_THREADS": "8"}
    receiver.may_answer.clear()
    with System(database, redis, tmp_path, **environ) as system, Redis.from_url(redis) as broker:
        system.ticker()
        made, _ = webhooks.create(system.conn, system.tenant, "ops", receiver.url, EVERY, SECRET, Seal((KEY,)))
        run = webhooks.test(system.conn, system.tenant, made.id, by="a test's")
        system.notify()
        until(lambda: broker.llen("dramatiq:calls") == 1, why=system.logs)
        [(first, message)] = broker.hgetall("dramatiq:calls.msgs").items()
        for _ in range(AT_ONCE - 1):
            other = str(uuid4()).encode()
            broker.hset("dramatiq:calls.msgs", other, message.replace(first, other))
            broker.rpush("dramatiq:calls", other)
        for _ in range(2):
            system.worker(wait=False)
        # Nobody has answered yet: whoever else would send it, would do so now.
        until(lambda: broker.hlen("dramatiq:calls.msgs") == 0, why=system.logs)
        receiver.may_answer.set()
        system.until_states(succeeded=1)
        assert [headers["webhook-id"] for headers, _ in receiver.calls] == [str(run)]
        assert system.value("select attempt from runs where id = %s", run) == 1


def test_a_run_that_fifty_workers_start_at_once_is_started_by_one(database: str) -> None:
    with ExitStack() as connections:
        conn, *others = [connections.enter_context(make.connect(database)) for _ in range(1 + AT_ONCE)]
        run = make.run(conn, make.tenant(conn), kind="webhook.send", queue="calls", state="queued")
        slot_at, fence = conn.execute("select slot_at, fence from runs where id = %s", (run,)).fetchone() or (None, 0)
        started: list[UUID] = []

        def start(other: make.Connection, process: UUID) -> None:
            pointer = {"ids": [run], "slots": [slot_at], "fences": [fence]}
            started.extend(each.id for each in START.all(other, **pointer, process_id=process, lead=0))

        assert at_once(*(partial(start, other, make.process(conn)) for other in others)) == []
        assert started == [run]
