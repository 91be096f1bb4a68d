"""A way in by TLS to a server that has none, with a certificate that nobody vouches for."""

import select
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.workers.wire import certificate

_ASKS_FOR_TLS = 8  # bytes of Postgres's request for it, which comes before the handshake


class Front:
    """Terminates TLS on 127.0.0.1 and passes on what is said, to any number of servers."""

    def __init__(self, folder: Path) -> None:
        self._context = certificate(folder).server
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def to(self, url: str) -> str:
        """The address by which a client comes by TLS to the server of that address."""
        parts = urlsplit(url)
        is_redis = parts.scheme == "redis"
        listening = socket.create_server(("127.0.0.1", 0))
        self._open.append(listening)
        assert parts.hostname
        assert parts.port
        self._run(self._accept, listening, (parts.hostname, parts.port), is_redis)
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{listening.getsockname()[1]}"
        return parts._replace(scheme="rediss" if is_redis else "postgres", netloc=netloc).geturl()

    def _accept(self, listening: socket.socket, beyond: tuple[str, int], is_redis: bool) -> None:
        with suppress(OSError):
            while True:
                self._run(self._serve, listening.accept()[0], beyond, is_redis)

    def _serve(self, client: socket.socket, beyond: tuple[str, int], is_redis: bool) -> None:
        with suppress(OSError), client:
            if not is_redis:
                client.recv(_ASKS_FOR_TLS, socket.MSG_WAITALL)
                client.sendall(b"S")
            with self._context.wrap_socket(client, server_side=True) as tls, socket.create_connection(beyond) as plain:
                self._open += [tls, plain]
                _pass_on(tls, plain)

    def _run(self, what: object, *args: object) -> None:
        thread = threading.Thread(target=what, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for it
            each.close()
        for thread in self._threads:
            thread.join(10)


def _pass_on(tls: ssl.SSLSocket, plain: socket.socket) -> None:
    while True:
        ready = [tls] if tls.pending() else select.select([tls, plain], [], [])[0]
        for each in ready:
            said = each.recv(65536)
            if not said:
                return
            (plain if each is tls else tls).sendall(said)
