"""A real Postgres on this machine without installing any, out of a wheel; what holds for every server is in processes.py.

It listens on 127.0.0.1 and a free port behind a password of its own, runs as an unprivileged user when we are root,
and ends with the process that started it. Without a folder its data is temporary.
"""

import secrets
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from local.binaries import DEFAULT_MAJOR, postgres_folder
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
    run_unprivileged,
)
from local.server import Server

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NO_FLUSH = {"fsync": "off", "full_page_writes": "off"}
"""Postgres settings that are safe as long as the machine itself stays up, whatever is killed: good for tests."""

_STOPS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class Postgres(Server):
    """A Postgres server. `url` is its superuser's address of the database `postgres`.

    Its WAL may lie in a folder elsewhere, which that start makes that makes the data.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        major: int = DEFAULT_MAJOR,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        wal: Path | None = None,
    ) -> None:
        self.port = port or free_port()
        self._has_fixed_port = port is not None
        self._settings = SETTINGS | dict(settings or {})
        self._wal = wal
        self._major = major
        self._programs = postgres_folder(major) / "bin"
        self._is_temporary = folder is None
        self.folder = make_folder(folder, "postgres")
        self._data = self.folder / f"data-{major}"
        close_at_exit(self.close)

    @property
    def url(self) -> str:
        """The superuser's address of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The superuser's address of a database."""
        password = (self.folder / "password").read_text()
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{quote(database)}"

    def start(self) -> Self:
        """Returns once the server takes connections, however long its recovery takes; one that runs is left alone."""
        if self.is_running:
            return self
        if not (self._data / "PG_VERSION").exists():
            self._make_data()
        for last in range(PORT_TRIES):
            self._server = self._launch()
            log = self._server.log_end() if not self._wait_until_ready(self._server) else ""
            if not log:
                break
            # Children of a server that was killed a moment ago go on their own, and soon.
            is_passing = "shared memory block" in log or "lock file" in log
            if "Address already in use" in log and not self._has_fixed_port:
                self.port = free_port()
            elif is_passing and last + 1 < PORT_TRIES:
                time.sleep(0.2)
            else:
                raise ServerError(f"Postgres did not start:\n{log}")
        self._has_fixed_port = True
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stops the server, the data stays. Mode as pg_ctl's: smart waits for clients, immediate leaves a recovery."""
        self._end(_STOPS[mode])

    def restart(self, mode: str = "fast") -> None:
        """Stops and starts again on the same port and data."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stops the server and removes its data where they are temporary."""
        self.stop("immediate" if self._is_temporary else "fast")
        if self._is_temporary:
            remove_folder(self.folder)

    def log(self) -> str:
        """What the server has said since its last start."""
        return (self.folder / "log").read_text(errors="replace")

    def create_database(self, name: str, *, template: str = "template1", strategy: str = "wal_log") -> str:
        """Makes a database out of the template and returns its address; the template may have no connections."""
        statement = sql.SQL("create database {} template {} strategy {}").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(strategy)
        )
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
        options = "--username=postgres --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync"
        if self._major >= 16:
            # The password is random and long: thousands of scram's rounds would only make each connection slower.
            options += " --set=scram_iterations=16"
        wal = [f"--waldir={self._wal}"] if self._wal else []
        made = run_unprivileged(
            [self._programs / "initdb", f"--pgdata={self._data}", *wal, f"--pwfile={password}", *options.split()]
        )
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")

    def _launch(self) -> Watched:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return Watched(
            [self._programs / "postgres", "-D", self._data, f"--port={self.port}", *settings],
            log=fresh_log(self.folder / "log"),
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
            time.sleep(BETWEEN_LOOKS)
        server.wait()
        return False
