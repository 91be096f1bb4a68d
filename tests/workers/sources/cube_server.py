"""A Cube on loopback that keeps to its documented protocol: what the tests of the Cube source ask.

`/v1/load` checks the token, then the query; a query takes as many polls as the test says, each answered by "Continue wait"
with status 200. A query that nobody polls for a while is forgotten, and begins anew.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

SECRET = "a-cube-secret-that-nobody-else-knows"


@dataclass
class Cube:
    """What it is told to do, and what it saw."""

    waits: int = 0
    holds_seconds: float = 0.0
    orphaned_seconds: float = 120.0
    breaks_after: int = 0
    before: list[tuple[int, str]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=lambda: [{"orders.revenue": "1250.50"}])
    annotation: dict[str, Any] = field(default_factory=lambda: {"measures": {"orders.revenue": {"type": "number"}}})
    more: dict[str, Any] = field(default_factory=lambda: {"lastRefreshTime": "2026-11-21T08:29:00.000Z"})
    refreshed: list[str] = field(default_factory=list)
    loads: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    begun: int = 0
    url: str = ""
    _queue: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        """The status and the content of one answer."""
        with self._lock:
            if self.before:
                status, text = self.before.pop(0)
                return status, text.encode()
        try:
            claims = jwt.decode(headers.get("Authorization", "").removeprefix("Bearer "), SECRET, algorithms=["HS256"])
        except jwt.PyJWTError as error:
            return 403, json.dumps({"error": "Invalid token" if headers.get("Authorization") else str(error)}).encode()
        self.claims.append(claims)
        if path.endswith("/v1/meta"):
            return 200, b'{"cubes": []}'
        if method != "POST" or not path.endswith("/v1/load"):
            return 404, b'{"error": "not found"}'
        load = json.loads(body)
        self.loads.append(load)
        if len(self.loads) == self.breaks_after:
            self.before.append((502, "Bad Gateway"))
        self.ids.append(headers.get("x-request-id", ""))
        return self._load(load, body.decode() + json.dumps(claims.get("sub", "")))

    def _load(self, load: dict[str, Any], key: str) -> tuple[int, bytes]:
        query = load["query"]
        compared = [each["compareDateRange"] for each in query.get("timeDimensions", []) if "compareDateRange" in each]
        if compared and load.get("queryType") != "multi":
            text = "'compareDateRangeQuery' query type is not supported by the client"
            return 400, json.dumps({"error": text}).encode()
        if any(not member.startswith("orders.") for member in query.get("measures", [])):
            return 400, json.dumps({"error": f"Error: '{query['measures'][0]}' not found for path"}).encode()
        if self._must_wait(key):
            stage = {"stage": "Executing query", "timeElapsed": 5002}
            return 200, json.dumps({"error": "Continue wait", "stage": stage}).encode()
        if not compared:
            return 200, json.dumps(self._result(query, 0)).encode()
        results = []
        for number, period in enumerate(compared[0]):
            times = [{**query["timeDimensions"][0], "dateRange": period}]
            results.append(self._result({**query, "timeDimensions": times}, number))
        return 200, json.dumps({"queryType": "compareDateRangeQuery", "results": results, "pivotQuery": {}}).encode()

    def _must_wait(self, key: str) -> bool:
        time.sleep(self.holds_seconds)
        with self._lock:
            seen, at = self._queue.get(key, (0, 0.0))
            if not seen or time.monotonic() - at > self.orphaned_seconds:
                self.begun += 1
                seen = 0
            self._queue[key] = (seen + 1, time.monotonic())
            if seen < self.waits:
                return True
            del self._queue[key]
            return False

    def _result(self, query: dict[str, Any], number: int) -> dict[str, Any]:
        more = dict(self.more)
        if self.refreshed:
            more["lastRefreshTime"] = self.refreshed[number]
        return {"query": query, "data": self.rows, "annotation": self.annotation, **more}


@contextmanager
def cube_server(**told: Any) -> Iterator[Cube]:
    """A running Cube."""
    cube = Cube(**told)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            with suppress(OSError):
                super().handle_one_request()

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = cube.answer(self.command, self.path, self.headers, content)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    cube.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield cube
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
