"""A connection, before there is a request: its head comes in time and in size, or the connection ends.

uvicorn bounds neither: without this one who connects and says nothing stays, and a head may grow until memory ends.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
_MOST_HEAD_BYTES = 65_536
_LINGER_SECONDS = 2.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/problem+json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
)
_PROBLEM = (
    b'{"type":"about:blank","title":"Request Header Fields Too Large","status":431,'
    b'"detail":"a request takes %d bytes of headers"}' % _MOST_HEAD_BYTES
)


class Connection(HttpToolsProtocol):
    """One client's connection. What is left of a body that was answered already has the same time to come."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline: TimerHandle | None = None
        self._head_bytes: int | None = None
        self._is_refused = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Waits for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on, unless the head has grown too large."""
        if self._is_refused:
            return
        if self._is_between():
            self._wait()
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                self._refuse()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """The head is whole; what the request does now is the application's to bound."""
        self._head_bytes = None
        self._wait_no_more()
        super().on_headers_complete()

    def _is_between(self) -> bool:
        """True when every request so far has been answered."""
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self) -> None:
        """Says so, and lets what is on its way run out for a moment: a reset would take the answer with it."""
        self._is_refused = True
        self._wait_no_more()
        if self._is_between():
            self.transport.write(_TOO_LARGE % (len(_PROBLEM), _PROBLEM))
        self._deadline = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
