"""Secrets beside real work: none is told to anybody, keys change while runs go on, and without its key nothing starts."""

import base64
import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jwt
import psutil
import pytest
import redis as redis_client
from standardwebhooks import Webhook, WebhookVerificationError

from api import tokens
from api.definitions import create_schedule, read_schedule
from api.sources import create_source
from config.seal import Seal
from db import sealed
from db.pool import Database
from local.processes import free_port
from tests.system import System, until
from tests.telemetry.collector import Collector
from workers.kinds import KINDS

pytestmark = pytest.mark.race

OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
SECRET = "whsec_" + base64.b64encode(b"canary of a webhook").decode()


class Echo:
    """Answers with what it was sent, under the status that the path names; counts what was signed and what was not."""

    def __init__(self) -> None:
        self.good = self.bad = 0
        echo = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    Webhook(SECRET).verify(body, headers)
                    echo.good += 1
                except WebhookVerificationError:
                    echo.bad += 1
                answer = json.dumps({"headers": headers, "secret": SECRET}).encode()
                self.send_response(int(self.path.strip("/")))
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def echo() -> Iterator[Echo]:
    found = Echo()
    thread = Thread(target=found.server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.fixture
def system(database: str, redis: str, tmp_path: Path) -> Iterator[System]:
    with System(database, redis, tmp_path, TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as started:
        yield started


def test_keys_rotate_while_runs_go_on_and_none_fails(system: System, echo: Echo) -> None:
    for number in range(8):
        payload = {"url": f"{echo.url}/200", "body": {"n": number}, "secret": SECRET}
        body = {"jobType": "http.call", "name": f"s{number}", "intervalSeconds": 1, "jobPayload": payload}
        create_schedule(
            system.conn, system.tenant, read_schedule(body), kinds=KINDS, seal=Seal((OLD,)), retention_days=90
        )
    system.ticker()
    for _ in range(2):
        system.worker(TOCSIN_SECRET_KEYS=f"{NEW},{OLD}")
    moved = 0
    with Database.at(system.database).connect("command") as conn:
        there = True
        while echo.good < 60:
            moved += sealed.rotate(conn, Seal((NEW, OLD) if there else (OLD, NEW))).rewrapped
            there = not there
        last = sealed.rotate(conn, Seal((NEW, OLD)))
        assert last.remaining == {}
        assert set(sealed.count_by_key(conn)) == set(Seal((NEW,)).key_ids)
    assert moved > 16
    seen = echo.good
    until(lambda: echo.good >= seen + 8, why=system.logs)
    assert echo.bad == 0
    assert system.value("select count(*) from run_attempts where outcome <> 'done'") == 0
    assert system.value("select count(*) from runs where state = 'dead'") == 0
    assert system.value("select max(version) from schedules") == 1


@pytest.mark.parametrize(
    ("module", "keys", "processes"), [("workers", "", "1"), ("workers", NEW, "2"), ("api", NEW, "1"), ("api", "", "2")]
)
def test_a_process_without_the_key_refuses_to_start_and_names_its_id(
    system: System, module: str, keys: str, processes: str
) -> None:
    create_source(system.conn, system.tenant, "own", "postgres", "postgresql://b:hush@db.example.com/x", Seal((OLD,)))
    port = str(free_port())
    environ = {"TOCSIN_SECRET_KEYS": keys, "WORKER_PROCESSES": processes, "WEB_CONCURRENCY": processes, "PORT": port}
    process = system.start(module, **environ)
    assert process.wait() == 1
    said = process.log()
    assert Seal((OLD,)).key_ids[0] in said
    assert not [each for each in (OLD, NEW, "hush") if each in said]
    assert system.value("select count(*) from processes") == 0


LAST = b"that-was-all"
CANARY = {
    "password": "canary-password-4711",
    "secret": SECRET,
    "authorization": "canary-bearer-4711",
    "key": "canary-api-key-4711",
    "jwt_secret": "canary-jwt-secret-4711-canary-jwt-secret",
    "secret_key": base64.b64encode(b"canary-secret-key-4711-canary-se").decode(),
    "metrics_token": "canary-metrics-token-4711",
    "mail": "canary-mail-4711",
    "listen": "canary-listen-4711",
    "dsn": "canary4711dsn",
    "wrong_token": "toc_canarywrong4711canarywrong4711canary47",
}


class Watch:
    """Keeps all that is said to Redis from now on, and tells what it holds."""

    def __init__(self, url: str) -> None:
        self._client = redis_client.Redis.from_url(url)
        told = self._client.connection_pool.connection_kwargs
        self._line = socket.create_connection((told["host"], told["port"]), 10)
        self._line.sendall(f"AUTH {told['password']}\r\nMONITOR\r\n".encode())
        self._said = b""
        self._hear_until(b"+OK\r\n+OK\r\n")
        self._line.settimeout(None)
        self._thread = Thread(target=self._hear_until, args=(LAST,))
        self._thread.start()

    def _hear_until(self, end: bytes) -> None:
        while end not in self._said and (more := self._line.recv(65536)):
            self._said += more

    def holds(self) -> str:
        """Every key with its value; `DUMP` would hide what it compresses."""
        read: dict[Any, Any] = {
            b"hash": self._client.hgetall,
            b"list": lambda key: self._client.lrange(key, 0, -1),
            b"zset": lambda key: self._client.zrange(key, 0, -1),
            b"set": self._client.smembers,
            b"string": self._client.get,
        }
        return "\n".join(f"{key!r} {read[self._client.type(key)](key)}" for key in self._client.scan_iter())

    def heard(self) -> str:
        """All that was said until now; nothing is heard after it."""
        self._client.echo(LAST)
        self._thread.join(10)
        return self._said.decode()

    def close(self) -> None:
        """Hangs up."""
        self.heard()
        self._line.close()
        self._client.close()


@pytest.fixture
def watch(redis: str) -> Iterator[Watch]:
    found = Watch(redis)
    yield found
    found.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as found:
        yield found


def command_lines(system: System) -> str:
    """What anybody on the machine may read of the system's processes; only their owner may read their environment."""
    found = [psutil.Process(each.pid) for each in system.processes]
    found += [child for each in found for child in each.children(recursive=True)]
    assert {oct((Path("/proc") / str(each.pid) / "environ").stat().st_mode & 0o777) for each in found} == {"0o400"}
    return "\n".join(" ".join([each.name(), *each.cmdline()]) for each in found)


def test_no_canary_is_in_a_log_an_answer_a_table_redis_or_a_command_line(
    system: System, echo: Echo, watch: Watch, collector: Collector
) -> None:
    port, closed, measured = free_port(), free_port(), free_port()
    environ = {
        "TOCSIN_SECRET_KEYS": CANARY["secret_key"],
        "SUPABASE_JWT_SECRET": CANARY["jwt_secret"],
        "METRICS_TOKEN": CANARY["metrics_token"],
        "MAIL_URL": f"smtp://bob:{CANARY['mail']}@127.0.0.1:{closed}",
        "DATABASE_LISTEN_URL": f"postgresql://bob:{CANARY['listen']}@127.0.0.1:{closed}/x",
        "TOCSIN_KINDS": "tests.kinds:MAIL",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "SENTRY_DSN": collector.dsn.replace("key", CANARY["dsn"]),
    }
    system.start("scheduler", wait_for="ticker.started", **environ)
    web = system.start("api", wait_for="web.started", PORT=str(port), **environ)
    web.until_says("tocsin tokens create --operator")
    _, token = tokens.create(system.conn, system.tenant, "a test's", "admin")
    claims = {"sub": "ann", "aud": "authenticated", "exp": 2**32, "app_metadata": {"tenant_id": str(system.tenant)}}
    signed = jwt.encode(claims, CANARY["jwt_secret"], "HS256")
    answers: list[str] = []
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def ask(method: str, path: str, status: int, body: Any = None, bearer: str = token) -> Any:
        answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {bearer}"}, timeout=30)
        assert answer.status_code == status, answer.text
        answers.append(f"{answer.headers} {answer.text}")
        return answer.json() if answer.content else None

    def source(name: str, at: str) -> str:
        url = f"postgresql://bob:{CANARY['password']}@{at}/x"
        return str(ask("POST", "/api/sources", 201, {"name": name, "url": url})["id"])

    def call(status: int, expected: int = 201, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {CANARY['authorization']}", "X-Api-Key": CANARY["key"]}
        payload = {"url": f"{echo.url}/{status}", "headers": headers, "secret": SECRET, "body": {"n": 1}, **more}
        body = {"jobType": "http.call", "intervalSeconds": 3600, "maxAttempts": 1, "jobPayload": payload}
        return ask("POST", "/api/schedules", expected, body)

    server = system.database.rpartition("@")[2].partition("/")[0]
    for at in (server, f"127.0.0.1:{closed}"):
        ask("POST", f"/api/sources/{source(at, at)}/test", 200)
    ask("POST", "/api/sources", 422, {"name": "bad", "url": f"postgresql://bob:{CANARY['password']}@a,b/x?y=z"})
    ask("PATCH", f"/api/sources/{source('moved', 'db.example.com')}", 422, {"url": "postgresql://bob@elsewhere/x"})
    runs = []
    for status in (200, 400, 500):
        made = call(status)["id"]
        runs += ask("POST", f"/api/schedules/{made}/run", 202)["runIds"]
        ask("PATCH", f"/api/schedules/{made}", 200, {"name": f"calls {status}"})
    call(200, 422, method="GET", body=1)
    call(200, 422, timeoutSeconds=SECRET)
    mail = {"jobType": "test.mail", "jobPayload": {"to": ["a@example.com"]}, "intervalSeconds": 3600}
    runs += ask("POST", f"/api/schedules/{ask('POST', '/api/schedules', 201, mail)['id']}/run", 202)["runIds"]
    # What is rung before anybody takes it stays in Redis.
    until(lambda: system.value("select count(*) from runs where state = 'queued'") == len(runs), why=system.logs)
    until(lambda: all(run in watch.holds() for run in runs), why=watch.holds)
    held = watch.holds()
    system.start("workers", wait_for="worker.started", METRICS_PORT=str(measured), **environ)
    seen = command_lines(system)
    is_open = "select count(*) from runs where state in ('pending', 'queued', 'running') and origin = 'manual'"
    until(lambda: not system.value(is_open), why=system.logs)
    until(lambda: system.value("select count(*) from deliveries where error is not null"), why=system.logs)
    assert system.value("select count(*) from runs where state = 'dead'") == 2
    assert "***" in system.value("select outcome::text from runs where outcome ->> 'status' = '200'")
    for run in runs:
        ask("GET", f"/api/runs/{run}", 200)
    for path in ("sources", "schedules", "runs", "dead-letters", "deliveries", "tokens", "audit-log", "members"):
        ask("GET", f"/api/{path}", 200)
    ask("GET", "/api/schedules", 200, bearer=signed)
    for wrong in (CANARY["wrong_token"], signed + "x", CANARY["secret_key"]):
        ask("GET", "/api/schedules", 401, bearer=wrong)
    ask("GET", f"/metrics?token={CANARY['metrics_token']}", 401)
    shown = {"Authorization": f"Bearer {CANARY['metrics_token']}"}
    metrics = [client.get(url, headers=shown) for url in ("/metrics", f"http://127.0.0.1:{measured}/metrics")]
    assert all("tocsin_runs" in page.text for page in metrics)
    client.close()
    for process in reversed(system.processes):
        assert process.stop() == 0

    tables = [name for (name,) in system.conn.execute("select name from tables_of_tenants()").fetchall()]
    others = ["run_history", "schedule_history", "delivery_history", "processes", "tenants", "installation"]
    dump = [str(system.conn.execute(f"select t::text from {name} as t").fetchall()) for name in [*tables, *others]]
    where = {
        "logs": "\n".join(each.log() for each in system.processes),
        "answers": "\n".join(answers),
        "tables": "\n".join(dump),
        "redis": held,
        "what was said to redis": watch.heard(),
        "command lines": seen,
        "metrics": "\n".join(page.text for page in metrics),
        "traces and bugs": collector.raw.decode("latin-1"),
    }
    least = dict.fromkeys(where, 1000) | {"command lines": 90}
    assert {name: len(text) for name, text in where.items() if len(text) < least[name]} == {}
    # What base64 hides is looked for too, as `encode(…, 'hex')` of bytes would be.
    forms = [form for each in (*CANARY.values(), token, signed) for form in (each, each.encode().hex())]
    forms += ["canary of a webhook", SECRET.removeprefix("whsec_")]
    assert [(name, form) for name, text in where.items() for form in forms if form in text] == []
