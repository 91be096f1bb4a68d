"""The network as the guarded client sees it: checked addresses, the web's ports, and an end to each call.

httpx on a pool of httpcore whose network backend is ours; httpx's own transport has no door for that.
"""

import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from workers import addresses
from workers.addresses import Forbidden, IPNetwork

CONNECT_SECONDS = 10.0
# Ports below 1024 other than the web's, and stores that often listen without a password, are no place for a webhook.
CLOSED_PORTS = frozenset({2375, 2376, 2379, 3306, 5432, 5672, 6379, 6443, 9200, 10250, 11211, 27017})

_deadline: ContextVar[float] = ContextVar("http_deadline")


@contextmanager
def ends_at(deadline: float) -> Iterator[None]:
    """Let every read and write of the block, on whatever connection, end at this monotonic time."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class Transport(httpx.BaseTransport):
    """Carries requests over connections that the guarded network opened; use it within `ends_at`."""

    def __init__(self, allowed: Sequence[IPNetwork], ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=200,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_GuardedNetwork(tuple(allowed)),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its body still to be read. Raises httpcore's errors and those of addresses."""
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": {"pool": max(_seconds_left(), 0.0)}},
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _GuardedNetwork(httpcore.NetworkBackend):
    """Opens connections to checked addresses only; Host, SNI and certificate stay those of the name."""

    def __init__(self, allowed: tuple[IPNetwork, ...]) -> None:
        self._allowed = allowed
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 -- httpcore's signature; the deadline rules
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        targets = addresses.resolve(host, port, self._allowed, min(_seconds_left(), CONNECT_SECONDS))
        if not all(target.is_opened for target in targets):
            check_port(port)
        problem: Exception = httpcore.ConnectTimeout("no time left")
        for target in targets:
            left = min(_seconds_left(), CONNECT_SECONDS)
            if left <= 0:
                break
            try:
                return _Stream(self._network.connect_tcp(target.address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 -- httpcore's signature
        timeout: float | None = None,  # noqa: ARG002 -- httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 -- httpcore's signature
    ) -> httpcore.NetworkStream:
        raise Forbidden("a Unix socket is no public address")


class _Stream(httpcore.NetworkStream):
    """A connection each of whose reads and writes ends at the call's deadline, so that 1 byte a second ends too.

    The deadline is the calling thread's, not the connection's: a reused connection serves one call at a time.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 -- httpcore's signature
        return self._stream.read(max_bytes, _time_for(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 -- httpcore's signature
        # In pieces: the library's own timeout holds for each send alone, so a reader of 1 byte a second had us for ever.
        for start in range(0, len(buffer), 65_536):
            self._stream.write(buffer[start : start + 65_536], _time_for(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 -- httpcore's signature
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _time_for(httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _seconds_left() -> float:
    return _deadline.get() - time.monotonic()


def _time_for(error: type[Exception]) -> float:
    left = _seconds_left()
    if left <= 0:
        raise error("the deadline passed")
    return left


def check_port(port: int) -> None:
    """Pass a port that the web uses. Raises Forbidden."""
    if port in CLOSED_PORTS or (port < 1024 and port not in (80, 443)):
        raise Forbidden(
            f"port {port} is not one of the web's; TOCSIN_EGRESS_ALLOW opens an address range with all its ports"
        )
