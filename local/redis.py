"""A real Redis-compatible server (Valkey) on this machine without installing any, out of a wheel.

It listens on 127.0.0.1 and a free port behind a password of its own, runs as an unprivileged user when we are root,
and ends with the process that started it. Without a folder its data is temporary.
"""

import secrets
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from local.binaries import redis_program
from local.processes import (
    BETWEEN_LOOKS,
    PORT_TRIES,
    ServerError,
    Watched,
    close_at_exit,
    free_port,
    fresh_log,
    give,
    make_folder,
    remove_folder,
    running,
)
from local.server import Server

SETTINGS = {"save": '""', "appendonly": "no"}


class Redis(Server):
    """A Redis-compatible server (Valkey) that keeps nothing on disk unless settings say so."""

    def __init__(
        self, folder: Path | None = None, *, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = port or free_port()
        self._has_fixed_port = port is not None
        self._settings = SETTINGS | dict(settings or {})
        self._program = redis_program()
        self._is_temporary = folder is None
        self.folder = make_folder(folder, "redis")
        self._password = secrets.token_urlsafe(18)
        close_at_exit(self.close)

    @property
    def url(self) -> str:
        """The address of database 0."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """The address of a database, 0 to 15."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Returns once the server answers PING; one that runs is left alone."""
        if self.is_running:
            return self
        log = ""
        for _ in range(PORT_TRIES):
            self._server = self._launch()
            if self._wait_until_ready(self._server):
                self._has_fixed_port = True
                return self
            log = self._server.log_end()
            if self._has_fixed_port or "in use" not in log:
                break
            self.port = free_port()
        raise ServerError(f"Redis did not start:\n{log}")

    def pause(self) -> None:
        """Stops the server in its tracks, its connections stay open and unanswered, until `resume`."""
        running(self._server).signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused server go on."""
        running(self._server).signal(signal.SIGCONT)

    def close(self) -> None:
        """Stops the server and removes its folder where it is temporary."""
        self.stop()
        if self._is_temporary:
            remove_folder(self.folder)

    def _launch(self) -> Watched:
        config = self.folder / "server.conf"
        config.touch(0o600)
        # In a file, since a command line can be read by everybody on the machine.
        fixed = {"bind": "127.0.0.1", "port": str(self.port), "requirepass": self._password, "dir": str(self.folder)}
        config.write_text("".join(f"{name} {value}\n" for name, value in (self._settings | fixed).items()))
        give(config)
        return Watched(
            [self._program, config],
            log=fresh_log(self.folder / "log"),
            signal_to_end=signal.SIGTERM,
            remove=self.folder if self._is_temporary else None,
        )

    def _wait_until_ready(self, server: Watched) -> bool:
        while server.is_running():
            if self._answers():
                return True
            time.sleep(BETWEEN_LOOKS)
        server.wait()
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as conn:
                conn.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (piece := conn.recv(256)):
                    answer += piece
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
