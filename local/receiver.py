"""A receiver of webhooks on this machine: it believes only what is signed, and keeps each call as a line of a file.

The signature is worked out here from the specification of Standard Webhooks, with nothing of the sender's code.
"""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self


class Call(NamedTuple):
    """One call as it arrived: whether its signature is right, its headers (in lower case) and its body."""

    is_signed: bool
    headers: dict[str, str]
    body: Any


CREW_PATH = "/run-crew"
"""Where it answers as a crew does, with a plan for whoever is asked about."""


class Receiver:
    """Listens on 127.0.0.1 in a thread; answers 204 to a signed call and 401 to any other."""

    def __init__(self, secret: str, file: Path, port: int = 0) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self.file = file
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == CREW_PATH:
                    receiver.note(dict(self.headers.items()), content, is_signed=False)
                    self._plan(json.loads(content))
                    return
                is_signed = receiver.take(dict(self.headers.items()), content)
                self.send_response(204 if is_signed else 401)
                self.end_headers()

            def _plan(self, asked: dict[str, str]) -> None:
                answer = json.dumps({"plan": [f"look at {asked['customer_goal_latest']} each week"]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Says nothing: the file tells."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where to call."""
        return f"http://127.0.0.1:{self.port}/hook"

    def take(self, headers: dict[str, str], content: bytes) -> bool:
        """Keeps a call; returns whether its signature is right."""
        is_signed = self._is_signed({name.lower(): value for name, value in headers.items()}, content)
        self.note(headers, content, is_signed=is_signed)
        return is_signed

    def note(self, headers: dict[str, str], content: bytes, *, is_signed: bool) -> None:
        """Keeps a call."""
        headers = {name.lower(): value for name, value in headers.items()}
        call = Call(is_signed, headers, json.loads(content or b"null"))
        with self._lock, self.file.open("a") as out:
            out.write(json.dumps(call._asdict()) + "\n")
            self.calls.append(call)

    def _is_signed(self, headers: dict[str, str], content: bytes) -> bool:
        told = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + content
        right = "v1," + base64.b64encode(hmac.digest(self._key, told, hashlib.sha256)).decode()
        shown = headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(right.encode(), each.encode()) for each in shown)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
