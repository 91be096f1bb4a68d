"""What every request passes: its id, its size and its time, and the headers of every answer."""

import asyncio
import re
import uuid
from typing import Any

from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

MOST_BYTES = 2_000_000
BODY_SECONDS = 20.0
_MOST_HEADERS = 100
_MOST_HEADER_BYTES = 32_768
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    # Nobody else is told an address of ours; our own forms are known by it where a browser says no more.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class _Refused(HTTPException):
    # Of this class, since whoever reads the body makes a 400 of any other.
    pass


class Doorway:
    """Gives each request an id, refuses one that is too large (413, 431) or too slow (408), and adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = _request_id(scope)
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in {**_SAFE, **state.get("headers", {}), "X-Request-Id": state["request_id"]}.items():
                    headers[name] = value
                if scope["path"].startswith("/api/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            _check_headers(scope)
            await self._app(scope, _limited(receive), answer)
        except _Refused as refused:
            if has_begun:
                raise
            await problem(refused.status_code, refused.detail, headers=dict(refused.headers or {}))(
                scope, receive, answer
            )


def _request_id(scope: Scope) -> str:
    """The id that the caller or a proxy gave, where it is a plain word; a fresh one otherwise."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value.decode("latin-1")):
            return str(value.decode())
    return uuid.uuid4().hex


def _check_headers(scope: Scope) -> None:
    """Passes what says of itself nothing that is too large; a body that says nothing is counted while it comes."""
    headers = scope["headers"]
    if len(headers) > _MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > _MOST_HEADER_BYTES:
        raise _Refused(431, f"a request takes {_MOST_HEADERS} headers and {_MOST_HEADER_BYTES} bytes of them")
    if len(scope.get("query_string", b"")) + len(scope["path"]) > _MOST_HEADER_BYTES:
        raise _Refused(414, f"an address takes {_MOST_HEADER_BYTES} bytes")
    told = next((value for name, value in headers if name == b"content-length"), b"0")
    # More digits than these are too many bytes too, and take long to read.
    if len(told) > 18 or (told.isdigit() and int(told) > MOST_BYTES):
        raise _too_large()


def _too_large() -> _Refused:
    # The connection stays: one that is closed while the body is on its way takes this answer with it.
    return _Refused(413, f"a body takes at most {MOST_BYTES} bytes")


def _limited(receive: Receive) -> Receive:
    """`receive` that gives up on a body that grows too large or takes too long."""
    seen = 0
    is_whole = False
    end: float | None = None

    async def limited() -> Message:
        nonlocal seen, is_whole, end
        if is_whole:
            return await receive()
        loop = asyncio.get_running_loop()
        end = loop.time() + BODY_SECONDS if end is None else end
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            # What is still on its way is not waited for, so the connection can carry nothing after it.
            headers = {"Connection": "close"}
            raise _Refused(408, f"a body takes at most {BODY_SECONDS:.0f} seconds", headers) from None
        seen += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if seen > MOST_BYTES:
            raise _too_large()
        return message

    return limited
