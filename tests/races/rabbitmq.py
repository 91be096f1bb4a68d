"""A RabbitMQ of a test's own, out of the system's package, on loopback and free ports."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from local.processes import free_port
from tests.system import until

SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class RabbitMQ:
    """The server; its node, its files and its port mapper are gone when the block ends."""

    def __init__(self) -> None:
        self.port = free_port()
        self._mapper = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-rabbitmq-"))
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        folder = self._folder
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tocsin{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # Without it the runtime keeps a core busy while it waits.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        with (folder / "out").open("wb") as out:
            self._process = subprocess.Popen(
                [SCRIPT], env=self._environ, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        until(self._answers, 60, (folder / "out").read_text)
        return self

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "out").read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as conn:
                conn.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(conn.recv(1))
        except OSError:
            return False

    def _mappers(self, asked: str) -> bytes:
        done = subprocess.run(["epmd", asked], env=self._environ, capture_output=True)
        return done.stdout + done.stderr

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # The mapper runs apart and asks to be ended by its own command, which it obeys once no node is left.
        until(lambda: b"Killed" in self._mappers("-kill") or b"Cannot connect" in self._mappers("-names"))
        shutil.rmtree(self._folder, ignore_errors=True)
