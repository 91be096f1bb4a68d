"""A RabbitMQ on this machine, out of the system's package: it can't be had as a wheel, as the other servers can.

It listens on 127.0.0.1 and free ports, runs as an unprivileged user when we are root, and ends with the process that
started it. What it keeps is temporary.
"""

import importlib.util
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Self

from local.processes import (
    BETWEEN_LOOKS,
    ServerError,
    Watched,
    close_at_exit,
    free_port,
    fresh_log,
    give,
    make_folder,
    remove_folder,
)
from local.server import Server

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PATIENCE_SECONDS = 120.0
_GREETING = b"AMQP\x00\x00\x09\x01"


def lacks() -> str:
    """What RabbitMQ needs and this machine has not; nothing when it has all."""
    if not PROGRAM.exists() or shutil.which("epmd") is None:
        return "the package rabbitmq-server is not installed"
    return "" if importlib.util.find_spec("pika") else "tocsin[rabbitmq] is not installed"


class RabbitMQ(Server):
    """A RabbitMQ of one node; durable queues and messages outlive its stops and kills."""

    def __init__(self) -> None:
        if missing := lacks():
            raise ServerError(f"RabbitMQ can't be started: {missing}")
        self.port = free_port()
        self.folder = make_folder(None, "rabbitmq")
        self._mapper_port = free_port()
        self._node_port = free_port()
        self._mapper: Watched | None = None
        close_at_exit(self.close)

    @property
    def url(self) -> str:
        """The address of the virtual host `/`."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> Self:
        """Returns once the node takes connections; one that runs is left alone."""
        if self.is_running:
            return self
        if not (self._mapper and self._mapper.is_running()):
            # The node would start one itself, as a daemon that outlives it.
            self._mapper = self._launch(
                ["epmd", "-address", "127.0.0.1", "-port", str(self._mapper_port)], "mapper.log", remove=None
            )
        self._write("plugins", "[].")
        self._write("rabbitmq.conf", f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        environ = [f"{name}={value}" for name, value in self._environ().items()]
        self._server = self._launch(["env", *environ, str(PROGRAM)], "log", remove=self.folder)
        until = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            if not self._server.is_running() or time.monotonic() > until:
                self.kill()
                raise ServerError(f"RabbitMQ did not start:\n{self._server.log_end()}")
            time.sleep(BETWEEN_LOOKS)
        return self

    def close(self) -> None:
        """Ends the node and removes what it kept."""
        self.kill()
        if self._mapper:
            self._mapper.end(signal.SIGKILL)
        remove_folder(self.folder)

    def _launch(self, command: list[str], log: str, *, remove: Path | None) -> Watched:
        return Watched(command, log=fresh_log(self.folder / log), signal_to_end=signal.SIGKILL, remove=remove)

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        give(self.folder / name)

    def _environ(self) -> dict[str, str]:
        folder = self.folder
        return {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tocsin{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # Without a shell between us and the node, so that signals reach it.
            "RUNNING_UNDER_SYSTEMD": "true",
            # Without the first words the runtime keeps a core busy while it waits.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false",
        }

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as conn:
                conn.sendall(_GREETING)
                return bool(conn.recv(1))
        except OSError:
            return False
