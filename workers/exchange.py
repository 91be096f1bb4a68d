"""One exchange on a connection of its own: the request goes out as it opens, and llhttp reads what comes back.

A thousand of them share an event loop: what each costs, all others wait for.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import cast

import httpcore
import httptools
import httpx

from workers.held import Memory
from workers.http import Response, TooLarge

PIECE_BYTES = 65_536
# What may come without a byte of the content: a head, trailers, answers that only say that one will come.
_MOST_BESIDE_CONTENT = 2 * PIECE_BYTES
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def written(method: str, target: str, headers: Mapping[str, str], content: bytes) -> bytes:
    """The request as it goes out. Raises httpcore.LocalProtocolError for a header that is none."""
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise httpcore.LocalProtocolError("a header that is none")
        lines.append(f"{name}: {value}")
    return "\r\n".join((*lines, "", "")).encode("ascii") + content


class Exchange(asyncio.BufferedProtocol):
    """Sends a GET or a POST once connected, and gathers the answer in pieces, as long as there is room for them.

    `piece` is where pieces land: one for all connections of a loop, since each is read before the next comes.
    """

    def __init__(self, request: bytes, piece: memoryview, max_bytes: int, memory: Memory) -> None:
        self._request = request
        self._piece = piece
        self._max_bytes = max_bytes
        self._memory = memory
        self._parser = httptools.HttpResponseParser(self)
        # A connection has one answer, so there is none that could be mistaken for a part of another.
        self._parser.set_dangerous_leniencies(
            lenient_chunked_length=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._transport: asyncio.Transport | None = None
        self._turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._headers: list[tuple[bytes, bytes]] = []
        self._status = 0
        self._has_head = False
        self._is_whole = False
        self._is_closed = False
        self._error: Exception | None = None
        self._beside = 0
        self.content = bytearray()

    async def ended(self) -> bool:
        """Waits for the answer: True once it is whole, False where there is no room for it.

        Raises httpcore's errors, and TooLarge.
        """
        await self._turn
        if (error := self._error) is not None:
            self._error = None
            try:
                raise error
            finally:
                # Its traceback knows this frame, and may outlive the call: it is to know neither of them in turn.
                del error, self
        if len(self.content) > self._max_bytes:
            head = self._response(bytes(self.content[: self._max_bytes]))
            raise TooLarge(f"the answer is larger than {self._max_bytes} bytes", head)
        return self._is_whole and self._memory.has_room(self.content)

    def go_on(self) -> None:
        """Reads on: there is room."""
        if self._transport is not None and not (self._is_whole or self._is_closed):
            self._turn = asyncio.get_running_loop().create_future()
            self._transport.resume_reading()

    def answer(self) -> Response:
        """The answer, once it is whole."""
        return self._response(bytes(self.content))

    def close(self) -> None:
        """Lets the connection go, whatever is still on its way."""
        self._is_closed = True
        self._memory.hold(self.content, 0)
        self.content = bytearray()
        if self._transport is not None:
            self._transport.abort()
        # It knows this exchange: what was read would be in memory until somebody looks for rings.
        del self._parser

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the request."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  asyncio's signature
        """Where the next piece lands."""
        return self._piece

    def buffer_updated(self, nbytes: int) -> None:
        """Reads a piece."""
        if self._turn.done() or self._is_closed:
            return
        self._beside += nbytes
        try:
            self._parser.feed_data(self._piece[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(httpcore.RemoteProtocolError(type(error).__name__))
            return
        if self._beside > _MOST_BESIDE_CONTENT:
            self._end(httpcore.RemoteProtocolError("no end of what is beside the content"))
            return
        size = len(self.content)
        self._memory.hold(self.content, size)
        if self._is_whole or size > self._max_bytes:
            self._end()
        elif not self._memory.has_room(self.content) and self._transport is not None:
            self._transport.pause_reading()
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side closed: so ends an answer that told no length."""
        self._is_closed = True
        if exc is not None:
            error = httpcore.ReadError()
            error.__cause__ = exc
            self._end(error)
        elif self._has_head and not self._tells_length():
            self._is_whole = True
            self._end()
        else:
            self._end(httpcore.RemoteProtocolError("closed before the answer was whole"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer, or of what comes after its content."""
        if not self._has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._has_head = True
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A piece of the content."""
        self.content += body
        self._beside = 0

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only said that one will come."""
        self._is_whole = self._status >= 200
        if not self._is_whole:
            self._headers, self._has_head = [], False

    def _end(self, error: Exception | None = None) -> None:
        if not self._is_whole and self._error is None:
            self._error = error
        if not self._turn.done():
            self._turn.set_result(None)

    def _tells_length(self) -> bool:
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._headers)

    def _response(self, content: bytes) -> Response:
        return Response(self._status, httpx.Headers(self._headers), content)
