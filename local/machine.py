"""The machine that Tocsin runs on here: servers, database, mail server, receiver, and the processes of the Procfile."""

import base64
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from config.environ import SETTINGS
from db import migrate
from db.pool import Database
from local import procfile
from local.children import Child, stop_all
from local.mail import MailSink
from local.model_server import ModelServer
from local.model_words import NAME
from local.postgres import Postgres
from local.processes import ServerError, free_port, make_folder
from local.receiver import Receiver
from local.redis import Redis

DATABASE = "tocsin"
OWN_DATABASE = "acme"
"""The tenant's own database, which its sources read: another one than Tocsin's, on the same server."""
LONG_RUNNING = ("ticker", "worker", "web")
_PORTS = ("postgres", "receiver")


class Machine:
    """Everything started in order, and stopped in reverse; `tell` is called with a line for each thing started.

    With a `home` all is kept there and found again, ports and keys included; without one the servers' data is
    temporary, and only what `files` holds stays.
    """

    def __init__(self, files: Path, *, home: Path | None = None, tell: Callable[[str], None] = lambda _: None) -> None:
        self.files = files
        self._home = home
        self._tell = tell
        self._closing = ExitStack()
        self._kept = self._recall()
        self.children: list[Child] = []
        self.database_url = ""
        self.own_database_url = ""
        self.redis_url = ""
        self.secret_key = self._kept.get("secretKey") or _fresh_key()
        self.webhook_secret = self._kept.get("webhookSecret") or "whsec_" + _fresh_key()
        self.metrics_token = self._kept.get("metricsToken") or secrets.token_urlsafe(18)
        self.mail: MailSink
        self.receiver: Receiver
        self.model: ModelServer

    def start_servers(self) -> None:
        """Starts Postgres, the Redis-compatible server, the mail server, the receiver and a model; brings the schema here."""
        ports = {name: self._kept.get(f"{name}Port") for name in _PORTS}
        started = time.monotonic()
        postgres = Postgres(self._folder("postgres"), port=ports["postgres"])
        self._closing.enter_context(postgres)
        redis = self._closing.enter_context(Redis(self._folder("redis")))
        self.database_url = _database(postgres, DATABASE)
        self.own_database_url = _database(postgres, OWN_DATABASE)
        self.redis_url = redis.url
        self._tell(f"Postgres and Redis listen on 127.0.0.1, ports {postgres.port} and {redis.port} {_took(started)}")
        self.mail = self._closing.enter_context(MailSink(self.files / "mail"))
        calls = self.files / "calls.jsonl"
        self.receiver = self._closing.enter_context(Receiver(self.webhook_secret, calls, ports["receiver"] or 0))
        self.model = self._closing.enter_context(ModelServer())
        started = time.monotonic()
        applied = migrate.migrate(Database.at(self.database_url))
        self._tell(f"the schema is there, {len(applied)} migrations applied {_took(started)}")
        self._keep({"postgresPort": postgres.port, "receiverPort": self.receiver.port})

    def environ(self, base: Mapping[str, str], **more: str) -> dict[str, str]:
        """The environment of Tocsin's processes here: `base` with the addresses of this machine's servers."""
        ours = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "TOCSIN_SECRET_KEYS": self.secret_key,
            "METRICS_TOKEN": self.metrics_token,
        }
        others = {
            "MAIL_URL": self.mail.url,
            "ARTIFACT_URL": (self.files / "artifacts").resolve().as_uri(),
            "CHATBOT_URL": self.model.url,
            "CHATBOT_MODEL": NAME,
            # What runs here calls what runs here: the receiver, the tenant's own database.
            "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8",
            "LOG_FORMAT": "text",
        }
        kept = {name: text for name, text in base.items() if name not in ("BROKER_URL", "DATABASE_LISTEN_URL")}
        return {**others, **kept, **ours, **more}

    def start_processes(self, environ: Mapping[str, str], names: tuple[str, ...] = LONG_RUNNING) -> None:
        """Starts processes of the Procfile; they are stopped before the servers are."""
        self._closing.callback(self._stop_processes)
        commands = procfile.commands()
        for name in names:
            child = Child(name, commands[name], environ, self.files / "log" / f"{name}.log")
            self.children.append(child)
            child.start()

    def close(self) -> None:
        """Stops the processes within their grace, then the servers."""
        self._closing.close()

    def _stop_processes(self) -> None:
        for name, status in stop_all(self.children).items():
            if status:
                self._tell(f"{name} ended with status {status}; see {self.files / 'log' / name}.log")

    def _folder(self, name: str) -> Path | None:
        return make_folder(self._home / name, name) if self._home else None

    def _recall(self) -> dict[str, Any]:
        file = self._home / "machine.json" if self._home else None
        return json.loads(file.read_text()) if file and file.exists() else {}

    def _keep(self, found: Mapping[str, Any]) -> None:
        if self._home is None:
            return
        secret = {
            "secretKey": self.secret_key,
            "webhookSecret": self.webhook_secret,
            "metricsToken": self.metrics_token,
        }
        file = self._home / "machine.json"
        file.touch(0o600)
        file.write_text(json.dumps({**secret, **found}, indent=2) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def plain_environ() -> dict[str, str]:
    """This process's environment without any setting of Tocsin's, so that nothing of the caller's changes a demo."""
    return {name: text for name, text in os.environ.items() if name not in SETTINGS and not name.startswith("TOCSIN_")}


def choose_port(wanted: int) -> int:
    """The wanted port when nobody listens there, else a free one."""
    return wanted if is_free(wanted) else free_port()


def check_port(wanted: int) -> None:
    """Passes a port on which nobody listens. Raises ServerError, which names the next one that is free."""
    if not is_free(wanted):
        other = next((each for each in range(wanted + 1, min(wanted + 100, 65_536)) if is_free(each)), free_port())
        raise ServerError(f"port {wanted} is taken; PORT={other} make up")


def is_free(port: int) -> bool:
    """True when nobody listens on this port of any address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - the web listens on all addresses
        except OSError:
            return False
    return True


def _database(postgres: Postgres, name: str) -> str:
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        is_there = conn.execute("select from pg_database where datname = %s", (name,)).fetchone() is not None
    return postgres.url_of(name) if is_there else postgres.create_database(name)


def _fresh_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _took(started: float) -> str:
    return f"({time.monotonic() - started:.1f} s)"
