"""Real servers on this machine without installing any: Postgres and a Redis-compatible server out of wheels.

Each listens on 127.0.0.1 and a free port behind a password of its own, runs as an unprivileged user when we are root,
and ends with the process that started it. Without a folder its data is temporary.
"""

import atexit
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from local.binaries import DEFAULT_MAJOR, postgres_folder, redis_program
from local.processes import (
    ServerError,
    Watched,
    free_port,
    give,
    make_folder,
    remove_folder,
    run_unprivileged,
)

__all__ = ["NO_FLUSH", "Postgres", "Redis", "ServerError", "free_port"]

POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
REDIS_SETTINGS = {"save": '""', "appendonly": "no"}
NO_FLUSH = {"fsync": "off", "full_page_writes": "off"}
"""Postgres settings that are safe as long as the machine itself stays up, whatever is killed: good for tests."""

_STOPS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_PORT_TRIES = 5
_BETWEEN_LOOKS = 0.01


class Postgres:
    """A Postgres server. `url` is its superuser's address of the database `postgres`."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        major: int = DEFAULT_MAJOR,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self._has_fixed_port = port is not None
        self._settings = POSTGRES_SETTINGS | dict(settings or {})
        self._programs = postgres_folder(major) / "bin"
        self._is_temporary = folder is None
        self.folder = make_folder(folder, "postgres")
        self._data = self.folder / f"data-{major}"
        self._server: Watched | None = None
        _close_at_exit(self)

    @property
    def url(self) -> str:
        """The superuser's address of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The superuser's address of a database."""
        password = (self.folder / "password").read_text()
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{quote(database)}"

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises ServerError when it is not running."""
        return _running(self._server).pid

    def start(self) -> Self:
        """Returns once the server takes connections, however long its recovery takes; one that runs is left alone."""
        if self._server and self._server.is_running():
            return self
        if not (self._data / "PG_VERSION").exists():
            self._make_data()
        for last in range(_PORT_TRIES):
            self._server = self._launch()
            log = self._server.log_end() if not self._wait_until_ready(self._server) else ""
            if not log:
                break
            # Children of a server that was killed a moment ago go on their own, and soon.
            is_passing = "shared memory block" in log or "lock file" in log
            if "Address already in use" in log and not self._has_fixed_port:
                self.port = free_port()
            elif is_passing and last + 1 < _PORT_TRIES:
                time.sleep(0.2)
            else:
                raise ServerError(f"Postgres did not start:\n{log}")
        self._has_fixed_port = True
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stops the server, the data stays. Mode as pg_ctl's: smart waits for clients, immediate leaves a recovery."""
        if self._server:
            self._server.end(_STOPS[mode])

    def kill(self) -> None:
        """Kills the server's main process by SIGKILL; its children notice and end."""
        if self._server:
            self._server.end(signal.SIGKILL)

    def restart(self, mode: str = "fast") -> None:
        """Stops and starts again on the same port and data."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stops the server and removes its data where they are temporary."""
        self.stop("immediate" if self._is_temporary else "fast")
        if self._is_temporary:
            remove_folder(self.folder)

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Makes a database out of the template and returns its address; the template may have no connections."""
        statement = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(statement)
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Removes a database, closing whatever is still connected to it; one that is gone is fine."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _make_data(self) -> None:
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text(secrets.token_urlsafe(18))
        give(password)
        # The password is random and long: thousands of scram's rounds would only make each connection slower.
        options = (
            "--username=postgres --auth=scram-sha-256 --set=scram_iterations=16 --encoding=UTF8 --locale=C --no-sync"
        )
        made = run_unprivileged(
            [self._programs / "initdb", f"--pgdata={self._data}", f"--pwfile={password}", *options.split()]
        )
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")

    def _launch(self) -> Watched:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return Watched(
            [self._programs / "postgres", "-D", self._data, f"--port={self.port}", *settings],
            log=_fresh_log(self.folder / "log"),
            signal_to_end=signal.SIGQUIT if self._is_temporary else signal.SIGINT,
            remove=self.folder if self._is_temporary else None,
        )

    def _wait_until_ready(self, server: Watched) -> bool:
        """True once postmaster.pid says ready, as pg_ctl reads it; False when the server ended instead."""
        while server.is_running():
            try:
                lines = (self._data / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                lines = []
            # An older server's file may still lie there: the first line is the writer's process id.
            if len(lines) >= 8 and lines[0] == str(server.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(_BETWEEN_LOOKS)
        server.wait()
        return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Redis:
    """A Redis-compatible server (Valkey) that keeps nothing on disk unless settings say so."""

    def __init__(
        self, folder: Path | None = None, *, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = port or free_port()
        self._has_fixed_port = port is not None
        self._settings = REDIS_SETTINGS | dict(settings or {})
        self._program = redis_program()
        self._is_temporary = folder is None
        self.folder = make_folder(folder, "redis")
        self._password = secrets.token_urlsafe(18)
        self._server: Watched | None = None
        _close_at_exit(self)

    @property
    def url(self) -> str:
        """The address of database 0."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """The address of a database, 0 to 15."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises ServerError when it is not running."""
        return _running(self._server).pid

    def start(self) -> Self:
        """Returns once the server answers PING; one that runs is left alone."""
        if self._server and self._server.is_running():
            return self
        for _ in range(_PORT_TRIES):
            self._server = self._launch()
            if self._wait_until_ready(self._server):
                self._has_fixed_port = True
                return self
            if self._has_fixed_port or "in use" not in self._server.log_end():
                break
            self.port = free_port()
        raise ServerError(f"Redis did not start:\n{_log_of(self._server)}")

    def stop(self) -> None:
        """Stops the server in order, by SIGTERM; what it was told to save, it saves."""
        if self._server:
            self._server.end(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the server by SIGKILL."""
        if self._server:
            self._server.end(signal.SIGKILL)

    def pause(self) -> None:
        """Stops the server in its tracks, its connections stay open and unanswered, until `resume`."""
        _running(self._server).signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused server go on."""
        _running(self._server).signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stops and starts again on the same port; what was not saved is gone."""
        self.stop()
        self.start()

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
            log=_fresh_log(self.folder / "log"),
            signal_to_end=signal.SIGTERM,
            remove=self.folder if self._is_temporary else None,
        )

    def _wait_until_ready(self, server: Watched) -> bool:
        while server.is_running():
            if self._answers():
                return True
            time.sleep(_BETWEEN_LOOKS)
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

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _running(server: Watched | None) -> Watched:
    if server is None or not server.is_running():
        raise ServerError("the server is not running")
    return server


def _log_of(server: Watched | None) -> str:
    return server.log_end() if server else ""


def _fresh_log(log: Path) -> Path:
    # Emptied, so that its end tells about this start and no earlier one.
    log.touch(0o600)
    log.write_text("")
    return log


def _close_at_exit(server: Postgres | Redis) -> None:
    # The watchdog would do it too, a moment after we are gone; this way nothing is left when we end.
    owner = os.getpid()
    atexit.register(lambda: server.close() if os.getpid() == owner else None)
