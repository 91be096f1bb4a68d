"""A TCP proxy that loses answers: the request arrives, the connection is gone before the reply."""

import contextlib
import re
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Stands before the server of a URL. While `cut_after` is set, a request in which it is found gets no answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
        self.cut_after: re.Pattern[bytes] | None = None
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                self._open.append(client)
                server = socket.create_connection(self._server)
                self._open.append(server)
            except OSError:
                return
            is_cut = threading.Event()
            for move, sockets in ((self._upward, (client, server)), (self._downward, (server, client))):
                thread = threading.Thread(target=move, args=(*sockets, is_cut), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _upward(self, client: socket.socket, server: socket.socket, is_cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(65536):
                word = self.cut_after
                if word is not None and word.search(piece) and not is_cut.is_set():
                    self.cuts += 1
                    is_cut.set()
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _downward(self, server: socket.socket, client: socket.socket, is_cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if is_cut.is_set():
                    break
                client.sendall(piece)
        for each in (client, server):
            # Closing alone says nothing to the other side while a thread of ours still reads.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A shutdown wakes the thread that accepts; a close alone would leave it waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._open:
            each.close()
