"""A TCP proxy that is the bad network: it loses answers, resets, delays, and parts client and server."""

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

DEFAULT_PORTS = {"postgres": 5432, "postgresql": 5432, "redis": 6379, "smtp": 25, "http": 80, "amqp": 5672}
_PIECE = 64 * 1024
_LONGEST_MATCH = 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
T = TypeVar("T")


class _Flow:
    """One direction of a link; remembers enough of its end to find what two pieces share."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._tail = b""

    def finds(self, pattern: re.Pattern[bytes] | None, piece: bytes) -> bool:
        """Whether the pattern is found with its end in this piece. To be asked once a piece."""
        seen, before = self._tail + piece, len(self._tail)
        self._tail = seen[-_LONGEST_MATCH:]
        return pattern is not None and any(found.end() > before for found in pattern.finditer(seen))


class _Link:
    """A client's connection and, once it is made, ours to the server."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._is_taken = False
        self._writers: list[asyncio.StreamWriter] = []
        self.is_asked = False
        self.is_reset = False

    async def join(self, server: tuple[str, int]) -> tuple[_Flow, _Flow]:
        """Connects to the server; returns the flows to it and from it. Raises OSError when the server is away."""
        self._is_taken = True
        from_client, to_client = await asyncio.open_connection(sock=self._client)
        self._writers.append(to_client)
        from_server, to_server = await asyncio.open_connection(*server)
        self._writers.append(to_server)
        if self.is_reset:
            self.reset()
        return _Flow(from_client, to_server), _Flow(from_server, to_client)

    def close(self) -> None:
        """Ends both sides once what was forwarded has left."""
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        """Ends both sides at once, by RST."""
        self.is_reset = True
        for writer in self._writers:
            if not writer.transport.is_closing():
                _reset_on_close(writer.get_extra_info("socket"))
            writer.transport.abort()
        if not self._is_taken:
            self._is_taken = True
            _reset_on_close(self._client)
            self._client.close()

    async def closed(self) -> None:
        """Returns once both sides have ended."""
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


class Proxy:
    """Stands before the server of a URL; `url` is the same with the proxy's address on `host`. Any thread may use it.

    `cut_after`: a request in which it is found arrives, and gets no answer. `cut_before_reply`: a reply in which it is
    found gets lost, the connection with it; with both, such a reply to such a request. `latency_seconds` is added to
    each piece, each way. `connections`, `cuts` and `resets` count what was done.
    """

    def __init__(self, url: str, host: str = "127.0.0.1") -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORTS[parts.scheme])
        # Bound all the time and never listening: clients are refused while nobody else listens, and the port stays ours.
        self._place = _bound(host, 0)
        self._address: tuple[str, int] = self._place.getsockname()
        user, at, _ = parts.netloc.rpartition("@")
        self.url = parts._replace(netloc=f"{user}{at}{host}:{self._address[1]}").geturl()
        self.cut_after: re.Pattern[bytes] | None = None
        self.cut_before_reply: re.Pattern[bytes] | None = None
        self.latency_seconds = 0.0
        self.connections = 0
        self.cuts = 0
        self.resets = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._passing = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="proxy", daemon=True)

    def reset_all(self) -> int:
        """Resets every connection on both sides and returns how many clients had one; new ones are welcome."""
        return self._do(self._reset_all())

    def hold(self, *, refuses: bool = False) -> None:
        """Parts the two sides: what arrives waits. So do new clients, unless it `refuses` them."""
        self._do(self._hold(refuses=refuses))

    def release(self) -> None:
        """Ends the parting: what waited goes on, in its order."""
        self._do(self._release())

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=10)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._release()
        finally:
            self._is_ready.set()
        await self._ended.wait()
        await self._hold(refuses=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self._links:
            link.reset()
        await asyncio.gather(*(link.closed() for link in self._links))

    async def _reset_all(self) -> int:
        living = [link for link in self._links if not link.is_reset]
        for link in living:
            link.reset()
        await asyncio.gather(*(link.closed() for link in living))
        self.resets += len(living)
        return len(living)

    async def _hold(self, *, refuses: bool) -> None:
        self._passing.clear()
        if refuses and self._listener:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _release(self) -> None:
        if self._listener is None:
            self._listener = _bound(*self._address)
            self._listener.listen(1024)
            self._loop.add_reader(self._listener, self._accept, self._listener)
        self._passing.set()

    def _accept(self, listener: socket.socket) -> None:
        # Not asyncio's server: one that is closed drops whom it just accepted, who then waits for ever.
        try:
            client, _ = listener.accept()
        except OSError:
            return
        client.settimeout(0)
        self.connections += 1
        link = _Link(client)
        self._links.add(link)
        task = self._loop.create_task(self._serve(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: _Link) -> None:
        await self._passing.wait()
        if not link.is_reset:
            try:
                upward, downward = await link.join(self._server)
            except OSError:
                link.reset()
            else:
                await asyncio.gather(self._upward(link, upward), self._downward(link, downward))
        await link.closed()
        self._links.discard(link)

    async def _upward(self, link: _Link, flow: _Flow) -> None:
        while piece := await self._next(link, flow):
            link.is_asked |= flow.finds(self.cut_after, piece)
            await _forward(link, flow, piece)
        with contextlib.suppress(OSError):
            flow.writer.write_eof()

    async def _downward(self, link: _Link, flow: _Flow) -> None:
        while piece := await self._next(link, flow):
            if self._is_lost(link, flow, piece):
                self.cuts += 1
                break
            await _forward(link, flow, piece)
        link.close()

    async def _next(self, link: _Link, flow: _Flow) -> bytes:
        """The next piece, when it may pass; nothing at the end. A sender's reset is passed on."""
        is_reset = False
        piece = b""
        try:
            piece = await flow.reader.read(_PIECE)
        except OSError:
            is_reset = True
        if piece and self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        await self._passing.wait()
        if is_reset:
            link.reset()
        return piece

    def _is_lost(self, link: _Link, flow: _Flow, piece: bytes) -> bool:
        word = self.cut_before_reply
        is_found = flow.finds(word, piece)
        if link.is_asked:
            return is_found or word is None
        return is_found and self.cut_after is None

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._place.close()


async def _forward(link: _Link, flow: _Flow, piece: bytes) -> None:
    flow.writer.write(piece)
    try:
        await flow.writer.drain()
    except OSError:
        link.close()


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.settimeout(0)
    bound.bind((host, port))
    return bound


def _reset_on_close(connection: socket.socket) -> None:
    # One that has ended takes no option any more.
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
