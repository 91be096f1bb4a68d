"""A PgBouncer of a test's own, out of the system's package, in transaction mode, on loopback and a free port."""

import shutil
import signal
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from local.processes import Watched, free_port, give, make_folder, remove_folder
from tests.system import until

# Debian keeps it where an ordinary user's PATH does not lead.
PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
POOL_SIZE = 4

_CONFIG = """
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
admin_users = {user}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
; Each transaction gets the server that has waited longest: what one leaves on a session is never met again.
server_round_robin = 1
"""


class PgBouncer:
    """Stands before the server of a URL with a few server connections; it and its files are gone after the block."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._port = free_port()
        self.url = self._server._replace(
            netloc=f"{self._server.username}:{self._server.password}@127.0.0.1:{self._port}"
        ).geturl()
        self.admin_url = urlsplit(self.url)._replace(path="/pgbouncer").geturl()

    def __enter__(self) -> Self:
        assert PROGRAM
        self._folder = make_folder(None, "pgbouncer")
        self._write(
            "config",
            _CONFIG.format(
                host=self._server.hostname,
                server_port=self._server.port,
                port=self._port,
                folder=self._folder,
                user=self._server.username,
                pool_size=POOL_SIZE,
            ),
        )
        self._write("users", f'"{self._server.username}" "{self._server.password}"\n')
        self._process = Watched(
            [PROGRAM, self._folder / "config"],
            log=self._folder / "log",
            signal_to_end=signal.SIGTERM,
            remove=self._folder,
        )
        until(self._answers, why=self._process.log_end)
        return self

    def _write(self, name: str, content: str) -> None:
        file = self._folder / name
        file.touch(0o600)
        file.write_text(content)
        give(file)

    def _answers(self) -> bool:
        assert self._process.is_running(), self._process.log_end()
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.end(signal.SIGTERM)
        remove_folder(self._folder)
