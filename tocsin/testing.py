"""Runs a kind without a database or a worker: what it returns for given params, and what it did meanwhile.

Nothing of the outside world is made up: what a kind calls is a real HTTP server on loopback, by the guarded client.
"""

import asyncio
import hashlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NamedTuple
from uuid import uuid4

from config.zones import zone
from db.ids import id_at
from db.jsonb import dumps
from workers.aio import LeftLoop, contained
from workers.artifacts import Artifact, Content, New
from workers.branding import Branding
from workers.channels import post
from workers.channels.email import compose, message_id
from workers.http import Client
from workers.kind import Context, Journal, Kind, with_told
from workers.outcome import Done, Outcome, no_outcome
from workers.sources import Source, SourceRefused
from workers.steps import check_step

A_SLOT = datetime(2026, 1, 1, 9, tzinfo=UTC)


@dataclass(slots=True)
class Notes:
    """A journal in memory: what the kind logged and how far it said it was; steps and files are kept from attempt to attempt."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    brand: Branding = field(default_factory=Branding)
    steps: dict[str, Any] = field(default_factory=dict)
    files: dict[str, tuple[Artifact, bytes]] = field(default_factory=dict)
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    shown: list[tuple[float, str]] = field(default_factory=list)

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """The kept result, doing the work the first time."""
        found = self.find_step(name)
        return self.keep_step(name, work()) if found is None else found[0]

    def find_step(self, name: str) -> tuple[Any] | None:
        """The kept result, alone in a tuple; None while there is none."""
        return (self.steps[name],) if name in self.steps else None

    def keep_step(self, name: str, result: Any) -> Any:
        """The result as JSON brings it back, kept. Raises ValueError or TypeError for what is no JSON."""
        self.steps[name] = json.loads(check_step(name, result))
        return self.steps[name]

    def keep(self, new: New, content: Content) -> Artifact:
        """The kept file, keeping this one the first time. Raises ValueError."""
        if new.checked().name not in self.files:
            made = content() if callable(content) else content
            stored = made.read_bytes() if isinstance(made, Path) else made
            digest = hashlib.sha256(stored).hexdigest()
            kept = Artifact(uuid4(), new.name, new.format, new.content_type, len(stored), digest, new.record_count)
            self.files[new.name] = (kept, stored)
        return self.files[new.name][0]

    def read_kept(self, name: str) -> bytes:
        """The bytes of the kept file. Raises LookupError."""
        return self.files[name][1]

    def log(self, message: str, fields: dict[str, Any]) -> None:
        """Keeps the line."""
        self.lines.append((message, fields))

    def progress(self, fraction: float, note: str) -> None:
        """Keeps how far it is."""
        self.shown.append((fraction, note))

    def source(self, name: str) -> Source:
        """The source given under that name. Raises SourceRefused."""
        if name not in self.sources:
            raise SourceRefused(f"there is no source {name!r}")
        return self.sources[name]

    def unseal(self, sealed: str) -> str:
        """The text as it is: nothing is sealed here."""
        return sealed

    def branding(self) -> Branding:
        """The branding given, by default none."""
        return self.brand


def run_kind(
    kind: Kind,
    params: Mapping[str, Any],
    *,
    slot_at: datetime = A_SLOT,
    timezone: str = "UTC",
    attempt: int = 1,
    max_attempts: int = 5,
    mode: str = "live",
    is_cancelled: bool = False,
    seconds: float | None = None,
    journal: Journal | None = None,
    http: Client | None = None,
) -> Outcome:
    """The outcome of one attempt of `kind`, which ran for real, with what it gave to `deliver` among its messages.

    `params` are validated as at save; `slot_at` is aware; `seconds` is how long the attempt has (the kind's timeout). The
    last of `max_attempts` knows that it is.
    Give `Notes` as the journal to see what was logged, or to give it sources. Outgoing calls go through `http`, by default
    a client that reaches public addresses alone; `receiver` has one for itself. Raises pydantic's ValidationError,
    TimeoutError for an async kind that is cut, CancelledError for one that is cancelled, whatever the kind raises, and as
    a worker would TypeError and ValueError for what is no outcome, a result that is no JSON, and a message that can't be sent.
    """
    owned = Client(allowed=()) if http is None else None
    context: Context[Any] = Context(
        tenant_id=uuid4(),
        run_id=id_at(slot_at),
        slot_at=slot_at,
        slot_local=slot_at.astimezone(zone(timezone)),
        schedule_id=uuid4(),
        schedule_name=kind.name,
        timezone=timezone,
        attempt=attempt,
        started_at=slot_at,
        params=kind.Params.model_validate(params),
        mode=mode,
        deadline=time.monotonic() + (kind.timeout_seconds if seconds is None else seconds),
        http=http or owned,  # type: ignore[arg-type]  # one of the two is there
        journal=journal or Notes(),
        is_last_attempt=attempt >= max_attempts,
    )
    if is_cancelled:
        context.cancelled.set()
    try:
        outcome: Any = asyncio.run(_awaited(kind, context)) if kind.is_async else kind.run(context)
    except LeftLoop as left:
        raise left.__cause__ or left from None
    finally:
        if owned is not None:
            owned.close()
    return _checked(kind, outcome, context)


def _checked(kind: Kind, outcome: Any, context: Context[Any]) -> Outcome:
    """The outcome, if a worker could keep and tell it, with what was given to `deliver`."""
    if inspect.iscoroutine(outcome):
        outcome.close()  # a plain function that returned one: nobody awaits it
    if not isinstance(outcome, Outcome):
        raise no_outcome(kind.name, outcome)
    if not isinstance(outcome, Done):
        return outcome
    if _has_nul(json.loads(dumps(dict(outcome.result)))):
        raise ValueError("its result has a text with the character NUL, which Postgres keeps in no JSON")
    done = with_told(outcome, context.told)
    for number, message in enumerate(done.messages):
        mail_id = message_id(context.run_id, number, "example.com")
        compose(message, sender="tocsin@example.com", message_id=mail_id, date=context.started_at)
    for told in done.posts:
        post.written(told, context.slot_at, "")
    return done


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, (*value, *value.values())))
    return any(map(_has_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


async def _awaited(kind: Kind, context: Context[Any]) -> Any:
    loop = asyncio.get_running_loop()
    work = loop.create_task(contained(kind.run, context))
    if context.cancelled.is_set():
        # Behind its first step, so that it is cancelled where it waits.
        loop.call_soon(work.cancel)
    return await asyncio.wait_for(work, context.seconds_left())


class Call(NamedTuple):
    """A call as it arrived; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """A real HTTP server on this machine: what it was called with, and a guarded client that may reach it."""

    url: str
    http: Client
    calls: list[Call] = field(default_factory=list)


Answer = int | tuple[int, Any]


@contextmanager
def receiver(*answers: Answer) -> Iterator[Receiver]:
    """A server on loopback for the block, which answers one after the other, the last one for ever; 204 without any.

    An answer is a status, or a status and what is sent as JSON.
    """
    left = list(answers or (204,))

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with changing:
                headers = {name.lower(): value for name, value in self.headers.items()}
                found.calls.append(Call(self.command, self.path, headers, body))
                answer = left.pop(0) if len(left) > 1 else left[0]
            status, told = answer if isinstance(answer, tuple) else (answer, None)
            content = b"" if told is None else dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing: `calls` tells."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    changing = Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    loopback = Client(allowed=(IPv4Network("127.0.0.0/8"),))
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}", loopback)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        loopback.close()
