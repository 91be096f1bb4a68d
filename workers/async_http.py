"""The guarded client for calls that are waited for by the hundred: one event loop, a connection a call.

What it reaches, refuses and names is as in workers.http. Each call has a connection of its own, closed after it: calls
take seconds, and a pool looks through all that are open at each of them (measured with 1,000 open calls: 21.6 s of
processor time against 0.6).
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import httpcore
import httpx

from workers import addresses, network
from workers.addresses import Forbidden, IPNetwork, Target
from workers.held import Memory
from workers.http import (
    MAX_BYTES,
    OUTCOMES,
    Crowded,
    HttpError,
    Observe,
    Response,
    TooLarge,
    TooSlow,
    check_url,
    named_errors,
    origin,
)

_KNOWN_SECONDS = 5.0
# What the system keeps of an answer until it is read: the loop takes as much of each at once as is there.
_RECEIVED = (socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
# What answers may hold in memory together until they are stored. Beyond it one at a time goes on; the others have read a
# piece each.
MOST_HELD = 32_000_000


class _Bounds(NamedTuple):
    """How large an answer may be, until when it is to be here, and how many seconds it may wait for room beside that."""

    max_bytes: int
    deadline: asyncio.Timeout
    longest_wait: float


class AsyncClient:
    """Calls public addresses, and those that `allowed` opens, from one event loop. `observe` as workers.http.Client takes it."""

    def __init__(
        self,
        *,
        allowed: Sequence[IPNetwork] = (),
        observe: Observe | None = None,
        user_agent: str = "Tocsin",
        most_held: int = MOST_HELD,
    ) -> None:
        self._observe = observe
        self._network = _GuardedNetwork(tuple(allowed))
        self._tls: ssl.SSLContext | None = None
        self._user_agent = user_agent
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
        called = f"{method} {origin(url)}"
        try:
            with named_errors(called), _in_time(called):
                async with asyncio.timeout(timeout_seconds) as deadline:
                    bounds = _Bounds(max_bytes, deadline, timeout_seconds)
                    response = await self._exchange(method, check_url(url), headers, content, bounds)
            outcome = f"{response.status // 100}xx"
        except (HttpError, Forbidden) as error:
            outcome = OUTCOMES[type(error)]
            raise
        else:
            return response
        finally:
            if self._observe is not None:
                self._observe(kind, outcome, time.monotonic() - started)

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, bounds: "_Bounds"
    ) -> Response:
        parsed = httpx.URL(url)
        place = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
        sent = {
            "Host": parsed.netloc.decode(),
            "User-Agent": self._user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Content-Length": str(len(content)),
        }
        request = httpcore.Request(method, place, headers=list((sent | dict(headers)).items()), content=content)
        connection = httpcore.AsyncHTTPConnection(
            place.origin,
            ssl_context=self._context() if parsed.scheme == "https" else None,
            network_backend=self._network,
        )
        try:
            answer = await connection.handle_async_request(request)
            return await self._read(answer, bounds)
        finally:
            await connection.aclose()

    async def _read(self, answer: httpcore.Response, bounds: "_Bounds") -> Response:
        headers = httpx.Headers(answer.headers)
        content = bytearray()
        try:
            async for piece in answer.aiter_stream():
                content += piece
                if len(content) > bounds.max_bytes:
                    head = Response(answer.status, headers, bytes(content[: bounds.max_bytes]))
                    raise TooLarge(f"the answer is larger than {bounds.max_bytes} bytes", head)
                self.memory.hold(content, len(content))
                if not self.memory.has_room(content):
                    await self._wait_for_room(content, bounds.deadline, bounds.longest_wait)
            return Response(answer.status, headers, bytes(content))
        finally:
            self.memory.hold(content, 0)

    async def _wait_for_room(self, content: bytearray, deadline: asyncio.Timeout, longest: float) -> None:
        """Waits until there is room for more of this answer, outside the time that its call has. Raises Crowded."""
        loop = asyncio.get_running_loop()
        began, ends_at = loop.time(), deadline.when()
        deadline.reschedule(None)
        try:
            await asyncio.wait_for(self.memory.room(content), longest)
        except TimeoutError:
            raise Crowded("too much is being read at once") from None
        finally:
            deadline.reschedule(None if ends_at is None else ends_at + loop.time() - began)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        return self._tls


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only; what a name was found to be is known for a few seconds."""

    def __init__(self, allowed: tuple[IPNetwork, ...]) -> None:
        self._allowed = allowed
        self._network = httpcore.AnyIOBackend()
        self._known: dict[tuple[str, int], tuple[float, asyncio.Future[list[Target]]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 -- httpcore's signature; the deadline rules
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        targets = await asyncio.shield(self._resolved(host, port))
        if not all(target.is_opened for target in targets):
            network.check_port(port)
        problem: Exception = httpcore.ConnectError("no address")
        for target in targets:
            try:
                return await self._network.connect_tcp(
                    target.address, port, network.CONNECT_SECONDS, local_address, (*(socket_options or ()), _RECEIVED)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    def _resolved(self, host: str, port: int) -> "asyncio.Future[list[Target]]":
        """The checked addresses of a host, looked up once for all that call it at a time."""
        now = time.monotonic()
        found_at, found = self._known.get((host, port), (0.0, None))
        if found is None or now - found_at > _KNOWN_SECONDS or (found.done() and found.exception() is not None):
            if len(self._known) > 1000:
                self._known.clear()
            seconds = network.CONNECT_SECONDS
            found = asyncio.ensure_future(asyncio.to_thread(addresses.resolve, host, port, self._allowed, seconds))
            self._known[host, port] = now, found
        return found

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 -- httpcore's signature
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 -- httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 -- httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        raise Forbidden("a Unix socket is no public address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@contextlib.contextmanager
def _in_time(called: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise TooSlow(f"{called}: no whole answer before the deadline") from None
