"""A model on this machine: it speaks /v1/chat/completions and Anthropic's /v1/messages, in pieces or whole.

Without a script it behaves as a model should: it lists the graphs, asks each of the first few, and writes a short report
that cites their newest figures, made from nothing but what the tools answered. A script says for each request what
happens instead, the last entry for ever:

    good                     as above
    call TOOL JSON           calls the tool with these arguments, be they JSON or not
    say TEXT                 answers this
    status CODE [SECONDS]    that status, with Retry-After
    half                     the beginning of an answer, then the connection is closed
    torn                     a whole text and a closed stream without its last event
    broken                   an error told in the middle of a stream
    hang                     the beginning of an answer, then nothing
    slow                     one letter each 20 ms, without end
    long, filtered, empty    an answer that is cut by its length, declined, nothing at all
    endless                  text without end
    nonsense                 what is no JSON
"""

import argparse
import contextlib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from local.model_words import NAME, Event, Said, Words

MOST_GRAPHS = 3


class Seen(NamedTuple):
    """A request as it arrived: its path, headers (in lower case) and body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ModelServer:
    """Listens on 127.0.0.1 in a thread. `is_streamed` False: it answers whole whatever is asked."""

    def __init__(self, script: Sequence[str] = ("good",), *, port: int = 0, is_streamed: bool = True) -> None:
        self.script = list(script)
        self.is_streamed = is_streamed
        self.tells_usage = True
        self.seen: list[Seen] = []
        self.is_asked = threading.Event()
        self.ends = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with contextlib.suppress(OSError):
                    _Answer(self, server, Seen(self.path, headers, body), server.next(Seen(self.path, headers, body)))()

            def log_message(self, *_: Any) -> None:
                """Says nothing: `seen` tells."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """What CHATBOT_URL takes to speak OpenAI's protocol with it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic_url(self) -> str:
        """What CHATBOT_URL takes to speak Anthropic's."""
        return f"anthropic+http://127.0.0.1:{self.port}"

    def next(self, seen: Seen) -> str:
        """Keeps a request; returns what becomes of it."""
        with self._lock:
            told = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            self.seen.append(seen)
        self.is_asked.set()
        return told

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()


def good(results: Sequence[tuple[str, str]]) -> Said:
    """Return what a sensible model says after these tools answered: name of the tool, and its text."""
    if not results:
        return Said(calls=(("list_graphs", "{}"),), stop="calls")
    told = [(tool, _data(text)) for tool, text in results]
    asked = [data for tool, data in told if tool == "query_graph"]
    if not asked:
        names = [graph["name"] for tool, data in told if tool == "list_graphs" for graph in data.get("graphs", ())]
        calls = tuple(("query_graph", json.dumps({"graph": name, "periods": 7})) for name in names[:MOST_GRAPHS])
        return Said(calls=calls, stop="calls") if calls else Said("There are no graphs to report on.")
    return Said("\n".join(["## In short", "", *(f"- {_sentence(data)}" for data in asked)]))


def _data(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"<data (\w+)>\n(.*)\n</data \1>", text, re.DOTALL)
    return json.loads(found[2]) if found else {"error": "the answer has no frame"}


def _sentence(data: dict[str, Any]) -> str:
    rows = data.get("rows") or []
    if not rows:
        return f"{data.get('graph', 'One graph')} could not be read."
    figure = next((cell for cell in reversed(rows[-1]) if _is_number(cell)), None)
    if figure is None:
        return f"{data['graph']} has {len(rows)} rows."
    unit = f" {data['unit']}" if data.get("unit") else ""
    of = ", ".join(str(cell) for cell in rows[-1] if cell is not None and not _is_number(cell))
    return f"{data['graph']} stands at {figure}{unit}" + (f" ({of})." if of else ".")


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) or bool(re.fullmatch(r"-?\d+(\.\d+)?", str(cell)))


class _Answer:
    """One answer, in the words of the protocol of its path."""

    def __init__(self, out: BaseHTTPRequestHandler, server: ModelServer, seen: Seen, told: str) -> None:
        self._out = out
        self._server = server
        self._words = Words(seen.body, is_anthropic=seen.path.endswith("/messages"), tells_usage=server.tells_usage)
        self._is_streamed = server.is_streamed and bool(seen.body.get("stream"))
        self._word, _, self._rest = told.partition(" ")

    def __call__(self) -> None:
        """Does what the script says."""
        match self._word:
            case "status":
                self._status(*self._rest.split())
            case "nonsense":
                self._head("text/event-stream" if self._is_streamed else "application/json")
                self._write(b"data: {half a thing\n\nevent: x\ndata: []\n\n")
            case "half" | "torn" | "broken" | "hang" | "slow" | "endless":
                self._head("text/event-stream")
                self._badly()
            case _:
                self._say(self._said())

    def _said(self) -> Said:
        match self._word:
            case "call":
                name, _, arguments = self._rest.partition(" ")
                return Said(calls=((name, arguments),), stop="calls")
            case "say":
                return Said(self._rest)
            case "long":
                return Said("The revenue of the", stop="length")
            case "filtered":
                return Said("I can't help with that.", stop="filtered")
            case "empty":
                return Said()
        return good(self._words.results())

    def _status(self, code: str, seconds: str = "") -> None:
        kind = {"429": "rate_limit_error", "529": "overloaded_error"}.get(code, "error")
        error = {"type": "error", "error": {"type": kind, "message": f"told to answer {code}", "code": None}}
        content = json.dumps(error).encode()
        self._out.send_response(int(code))
        self._out.send_header("Content-Type", "application/json")
        self._out.send_header("Content-Length", str(len(content)))
        if seconds:
            self._out.send_header("Retry-After", seconds)
        self._out.end_headers()
        self._write(content)

    def _badly(self) -> None:
        self._write_all(self._words.begin())
        if self._word == "endless":
            while not self._server.ends.is_set():
                self._write_all(self._words.piece("x" * 10_000))
        self._write_all(self._words.piece("The revenue "))
        if self._word == "torn":
            self._write_all(self._words.piece("is 12."))
        elif self._word == "broken":
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}
            self._write(f"event: error\ndata: {json.dumps(error)}\n\n".encode())
        elif self._word == "hang":
            self._server.ends.wait()
        while self._word == "slow" and not self._server.ends.wait(0.02):
            self._write_all(self._words.piece("x"))

    def _say(self, said: Said) -> None:
        if not self._is_streamed:
            self._head("application/json")
            self._write(json.dumps(self._words.whole(said)).encode())
            return
        self._head("text/event-stream")
        self._write_all(self._words.begin())
        for start in range(0, len(said.text), 40):
            self._write_all(self._words.piece(said.text[start : start + 40]))
        self._write_all(self._words.end(said))
        self._write(b"" if self._words.is_anthropic else b"data: [DONE]\n\n")

    def _head(self, content_type: str) -> None:
        self._out.send_response(200)
        self._out.send_header("Content-Type", content_type)
        self._out.end_headers()

    def _write_all(self, events: Iterator[Event]) -> None:
        for name, data in events:
            whole = (
                {"type": name, **data}
                if name
                else {"id": "chat-1", "object": "chat.completion.chunk", "model": NAME, **data}
            )
            self._write((f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(whole)}\n\n".encode())

    def _write(self, content: bytes) -> None:
        self._out.wfile.write(content)
        self._out.wfile.flush()


def main(argv: list[str] | None = None) -> None:
    """Serves until Ctrl-C; says where."""
    parser = argparse.ArgumentParser(prog="python -m local.model_server", description="A model that reports honestly.")
    parser.add_argument("--port", type=int, default=0)
    told = parser.parse_args(argv)
    with ModelServer(port=told.port) as server, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps({"openai": server.url, "anthropic": server.anthropic_url}), flush=True)
        server.ends.wait()


if __name__ == "__main__":
    main()
