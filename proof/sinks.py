"""A sink of calls that keeps what arrives, and the readers of what sinks kept.

`POST /effect/...` is a provider with keys. A known Idempotency-Key with the same body gets the stored answer and is not
kept again, with another body 409; without a key each call is kept. `POST /start` takes handlers' own word, one `Start`
or a list of them, stamped with the time at which it arrived. Everything is on disk before it is answered.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from local.journal import EVENTS, Journal, machine_time, read_lines
from local.sink_process import Sink, add_options, serve
from proof.records import SinkEvent, Start

STARTS = "starts.jsonl"
LARGEST_BODY = 16 * 1024 * 1024
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found", 409: "Conflict", 411: "Length Required"}
_WORDS = {"run": str, "slot": int, "schedule": str, "attempt": int, "pid": int}


class CallSink(Sink):
    """An HTTP sink on `host` in a process of its own that ends with ours.

    `delay_ms` lies between the last byte of an effect and the answer to it.
    """

    def __init__(
        self, folder: Path | None = None, *, host: str = "127.0.0.1", port: int = 0, delay_ms: int = 0
    ) -> None:
        super().__init__("proof.sinks", folder, port, [f"--delay-ms={delay_ms}", f"--host={host}"])
        self.host = host

    @property
    def url(self) -> str:
        """Where to call: `/effect/...` and `/start` follow."""
        return f"http://{self.host}:{self.port}"


def read_sink(folder: Path) -> list[SinkEvent]:
    """What a sink of mails or of calls witnessed, in the order in which it wrote."""
    return [SinkEvent(**json.loads(line)) for line in read_lines(folder / EVENTS)]


def read_starts(folder: Path) -> list[Start]:
    """The starts that handlers told, in the order in which they arrived."""
    return [Start(**json.loads(line)) for line in read_lines(folder / STARTS)]


class _Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    arrived_at: float

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")

    @property
    def length(self) -> int | None:
        """The length of the body; None where it isn't told, or is none that we take."""
        told = self.headers.get("content-length", "")
        return int(told) if told.isdecimal() and int(told) <= LARGEST_BODY else None


class _Provider:
    """Keeps each key once, over restarts too; the answer to a key is the number under which it was kept."""

    def __init__(self, journal: Journal, known: list[SinkEvent]) -> None:
        self._journal = journal
        self._count = len(known)
        self._known = {event.key: (event.sha, number) for number, event in enumerate(known, 1) if event.key}

    def keep(self, request: _Request, sha: str) -> tuple[int, Mapping[str, str]]:
        """Status and answer; what is kept is noted, and not on disk yet."""
        first = self._known.get(request.key)
        if first is None:
            self._count += 1
            first = sha, self._count
            if request.key:
                self._known[request.key] = first
            self.note("kept", request, sha, machine_time())
        if first[0] != sha:
            return 409, {"error": "this key was used with another body"}
        return 200, {"id": str(first[1])}

    def note(self, phase: str, request: _Request, sha: str, at: float) -> None:
        """Notes one phase of a call."""
        entry = {"sink": "http", "phase": phase, "key": request.key, "recipient": request.path, "sha": sha}
        self._journal.note({"at": at, **entry})

    async def synced(self) -> None:
        """Returns once all that was noted is on disk, a kept line of the same key by another call too."""
        await self._journal.synced()


class _Server:
    """Takes connections; each serves one request after the other."""

    def __init__(self, provider: _Provider, starts: Journal, delay_seconds: float) -> None:
        self._provider = provider
        self._starts = starts
        self._delay_seconds = delay_seconds

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves a connection until its client leaves."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                request = _parse(await reader.readuntil(b"\r\n\r\n"), machine_time())
                if request.length is None:
                    await _answer(writer, 411, {"error": "a body's length must be told"})
                    break
                if request.method == "POST" and request.path.startswith("/effect/"):
                    await self._effect(request, request.length, reader, writer)
                else:
                    body = await reader.readexactly(request.length)
                    is_start = (request.method, request.path) == ("POST", "/start")
                    status, content = await self._start(request, body) if is_start else (404, {"error": "not here"})
                    await _answer(writer, status, content)
        writer.close()

    async def _effect(
        self, request: _Request, length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._provider.note("begin", request, "", request.arrived_at)
        phase, sha = "cut", ""
        try:
            sha = hashlib.sha256(await reader.readexactly(length)).hexdigest()
            status, content = self._provider.keep(request, sha)
            await self._provider.synced()
            await asyncio.sleep(self._delay_seconds)
            if not (reader.at_eof() or writer.is_closing()):
                await _answer(writer, status, content)
                phase = "replied"
        finally:
            self._provider.note(phase, request, sha, machine_time())

    async def _start(self, request: _Request, body: bytes) -> tuple[int, Mapping[str, str]]:
        try:
            told = json.loads(body)
            words = [_start_of(each, request.arrived_at) for each in (told if isinstance(told, list) else [told])]
        except (ValueError, TypeError) as error:
            return 400, {"error": str(error)}
        for word in words:
            self._starts.note(word._asdict())
        await self._starts.synced()
        return 204, {}


def _start_of(told: Any, at: float) -> Start:
    if not isinstance(told, dict) or any(type(told.get(name)) is not kind for name, kind in _WORDS.items()):
        raise TypeError(f"a start is an object with {', '.join(_WORDS)}")
    return Start(at, *(told[name] for name in _WORDS))


def _parse(head: bytes, at: float) -> _Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, *_ = [*first.split(" "), "", ""]
    headers = {name.strip().lower(): text.strip() for name, _, text in (line.partition(":") for line in lines if line)}
    if method in ("GET", "HEAD"):
        headers.setdefault("content-length", "0")
    return _Request(method, path, headers, at)


async def _answer(writer: asyncio.StreamWriter, status: int, content: Mapping[str, str]) -> None:
    body = json.dumps(content).encode() if content else b""
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
    head += "" if status == 204 else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"\r\n" + body)
    await writer.drain()


async def _listen(server: _Server, host: str, port: int, *, is_child: bool) -> None:
    await serve(await asyncio.start_server(server.take, host, port, backlog=1024), is_child=is_child)


def main(argv: list[str] | None = None) -> None:
    """Serves until the end that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m proof.sinks", description="A sink of calls that keeps them.")
    add_options(parser)
    parser.add_argument("--folder", type=Path, required=True, help="where what is kept goes")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--delay-ms", type=int, default=0, help="between an effect's last byte and its answer")
    told: Any = parser.parse_args(argv)
    told.folder.mkdir(parents=True, exist_ok=True)
    known = [event for event in read_sink(told.folder) if event.phase == "kept"]
    with (
        contextlib.suppress(KeyboardInterrupt),
        Journal(told.folder / EVENTS) as events,
        Journal(told.folder / STARTS) as starts,
    ):
        server = _Server(_Provider(events, known), starts, told.delay_ms / 1000)
        asyncio.run(_listen(server, told.host, told.port, is_child=told.until_stdin_ends))


if __name__ == "__main__":
    main()
