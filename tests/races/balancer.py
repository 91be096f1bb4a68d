"""A TCP balancer in front of web processes: it asks nobody twice, so that whatever one of them drops is seen."""

import select
import socket
import threading
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Self


class Balancer:
    """Listens on 127.0.0.1 and gives each connection to the next of the ports that it knows."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self._ports: tuple[int, ...] = ()
        self._turn = count()
        self._threads = [threading.Thread(target=self._accept)]

    def add(self, port: int) -> None:
        """Gives that port its share from now on."""
        self._ports = (*self._ports, port)

    def remove(self, port: int) -> None:
        """Gives it none from now on; what it has goes on."""
        self._ports = tuple(each for each in self._ports if each != port)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                thread = threading.Thread(target=self._serve, args=(self._listening.accept()[0],))
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        ports = self._ports
        web = ("127.0.0.1", ports[next(self._turn) % len(ports)])
        with suppress(OSError), client, socket.create_connection(web) as beyond:
            both = {client: beyond, beyond: client}
            while True:
                for ready in select.select([client, beyond], [], [])[0]:
                    said = ready.recv(65536)
                    if not said:
                        return
                    both[ready].sendall(said)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(30)
