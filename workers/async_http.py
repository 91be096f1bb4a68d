"""The guarded client for calls that are waited for by the hundred: one event loop, a connection a call.

What it reaches, refuses and names is as in workers.http. Each call has a connection of its own, closed after it: calls
take seconds, and a pool looks through all that are open at each of them (measured with 1,000 open calls: 21.6 s of
processor time).
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import httpcore
import httpx

from workers import addresses, network
from workers.addresses import Forbidden, IPNetwork, Target
from workers.exchange import PIECE_BYTES, Exchange, written
from workers.held import Memory
from workers.http import (
    MAX_BYTES,
    OUTCOMES,
    Crowded,
    HttpError,
    Observe,
    Response,
    TooSlow,
    check_url,
    named_errors,
    origin,
)

_KNOWN_SECONDS = 5.0
# What the system keeps of an answer until it is read: the loop takes as much of each at once as is there.
_RECEIVED = PIECE_BYTES
# What answers may hold in memory together until they are stored. Beyond it one at a time goes on; the others have read a
# piece each.
MOST_HELD = 32_000_000


class _Place(NamedTuple):
    """Where a URL leads: what of it may be shown, whom to connect to, how it is named there, and what is asked for."""

    origin: str
    host: str
    port: int
    is_tls: bool
    named: str
    target: str


@lru_cache
def _place(url: str) -> _Place:
    """Where a URL leads; the calls of a crew share one. Raises BadUrl."""
    parsed = httpx.URL(check_url(url))
    is_tls = parsed.scheme == "https"
    port = parsed.port or (443 if is_tls else 80)
    named, target = parsed.netloc.decode(), parsed.raw_path.decode()
    return _Place(origin(url), parsed.raw_host.decode(), port, is_tls, named, target)


class AsyncClient:
    """Calls public addresses, and those that `allowed` opens, from one event loop. `observe` as workers.http.Client takes it."""

    def __init__(
        self,
        *,
        allowed: Sequence[IPNetwork] = (),
        observe: Observe | None = None,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str = "Tocsin",
        most_held: int = MOST_HELD,
    ) -> None:
        self._allowed = tuple(allowed)
        self._observe = observe
        self._tls = ssl_context
        self._user_agent = user_agent
        self._known: dict[tuple[str, int], tuple[float, asyncio.Future[list[Target]]]] = {}
        self._piece = memoryview(bytearray(PIECE_BYTES))
        self.memory = Memory(most_held)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        timeout_seconds: float,
        max_bytes: int = MAX_BYTES,
        kind: str = "",
    ) -> Response:
        """Return the answer, whatever its status; redirects are answers too. Raises as workers.http.Client does.

        Where too much is in memory it is read as others are stored; that takes nothing of its time. Raises Crowded when
        there was no room for as long as a whole call may take.
        """
        started = time.monotonic()
        outcome = "raised"
        try:
            place = _place(url)
            response = await self._in_time(method, place, headers, content, timeout_seconds, max_bytes)
            outcome = f"{response.status // 100}xx"
        except (HttpError, Forbidden) as error:
            outcome = OUTCOMES[type(error)]
            raise
        else:
            return response
        finally:
            if self._observe is not None:
                self._observe(kind, outcome, time.monotonic() - started)

    async def _in_time(
        self, method: str, place: _Place, headers: Mapping[str, str], content: bytes, seconds: float, max_bytes: int
    ) -> Response:
        sent = {
            "Host": place.named,
            "User-Agent": self._user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Content-Length": str(len(content)),
        }
        called = f"{method} {place.origin}"
        try:
            with named_errors(called):
                request = written(method, place.target, sent | dict(headers), content)
                async with asyncio.timeout(seconds) as deadline:
                    return await self._exchange(Exchange(request, self._piece, max_bytes, self.memory), place, deadline)
        except TimeoutError:
            raise TooSlow(f"{called}: no whole answer before the deadline") from None

    async def _exchange(self, exchange: Exchange, place: _Place, deadline: asyncio.Timeout) -> Response:
        longest_wait = max(0.0, (deadline.when() or 0.0) - asyncio.get_running_loop().time())
        try:
            await self._connect(exchange, place)
            while not await exchange.ended():
                await self._wait_for_room(exchange, deadline, longest_wait)
                exchange.go_on()
            return exchange.answer()
        finally:
            exchange.close()
            # The traceback of what went wrong knows this frame.
            del exchange

    async def _connect(self, exchange: Exchange, place: _Place) -> None:
        """Opens a connection to a checked address, and the exchange begins on it."""
        targets = await asyncio.shield(self._resolved(place.host, place.port))
        if not all(target.is_opened for target in targets):
            network.check_port(place.port)
        problem: Exception = httpcore.ConnectError("no address")
        for target in targets:
            try:
                sock = await _connected(target, place.port)
                break
            except TimeoutError:
                problem = httpcore.ConnectTimeout()
            except OSError as error:
                problem = httpcore.ConnectError()
                problem.__cause__ = error
        else:
            raise problem
        loop, seconds = asyncio.get_running_loop(), network.CONNECT_SECONDS
        try:
            if place.is_tls:
                tls = self._context()
                await loop.create_connection(
                    lambda: exchange, sock=sock, ssl=tls, server_hostname=place.host, ssl_handshake_timeout=seconds
                )
            else:
                await loop.create_connection(lambda: exchange, sock=sock)
        except OSError as error:
            raise httpcore.ConnectError from error

    def _resolved(self, host: str, port: int) -> "asyncio.Future[list[Target]]":
        """The checked addresses of a host, looked up once for all that call it within a few seconds."""
        now = time.monotonic()
        found_at, found = self._known.get((host, port), (0.0, None))
        if found is None or now - found_at > _KNOWN_SECONDS or (found.done() and found.exception() is not None):
            if len(self._known) > 1000:
                self._known.clear()
            seconds = network.CONNECT_SECONDS
            found = asyncio.ensure_future(asyncio.to_thread(addresses.resolve, host, port, self._allowed, seconds))
            self._known[host, port] = now, found
        return found

    async def _wait_for_room(self, exchange: Exchange, deadline: asyncio.Timeout, longest: float) -> None:
        """Waits until there is room for more of this answer, outside the time that its call has. Raises Crowded."""
        loop = asyncio.get_running_loop()
        began, ends_at = loop.time(), deadline.when()
        deadline.reschedule(None)
        try:
            await asyncio.wait_for(self.memory.room(exchange.content), longest)
        except TimeoutError:
            raise Crowded("too much is being read at once") from None
        finally:
            deadline.reschedule(None if ends_at is None else ends_at + loop.time() - began)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        return self._tls


async def _connected(target: Target, port: int) -> socket.socket:
    """A socket that is connected to a checked address. Raises OSError and TimeoutError."""
    sock = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
        async with asyncio.timeout(network.CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(sock, (target.address, port))
    except BaseException:
        sock.close()
        raise
    return sock
