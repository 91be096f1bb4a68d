"""The web process: settings -> app -> socket -> serve; drains on SIGTERM, as many processes as WEB_CONCURRENCY says."""

import argparse
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import uvicorn
from fastapi import FastAPI

from api.app import create_app, openapi, seal_of
from api.connection import Connection
from api.gauges import Gauges
from api.settings import Settings
from config.children import Died, keep_alive
from config.environ import BadSetting, place_of, share_metrics
from config.signals import SignalEvent, set_off, set_on
from db import sealed
from db.pool import DatabaseError
from db.processes import VERSION
from telemetry import exporter, telling
from telemetry.log import Events
from workers.kinds import load

events = Events("web")

_DRAIN_SECONDS = 20
_KILL_SECONDS = 24.0
_BACKLOG = 2048


def main(argv: Sequence[str] = ()) -> int:
    """Serves until SIGTERM, or prints the OpenAPI document; returns the exit status. Raises BadSetting."""
    parser = argparse.ArgumentParser(prog="tocsin api")
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and end")
    parser.add_argument("--socket", type=int, help=argparse.SUPPRESS)  # the number of a supervisor's open socket
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)  # the supervisor, without which we stop
    told = parser.parse_args(argv)
    if told.openapi:
        sys.stdout.write(json.dumps(openapi(), indent=2) + "\n")
        return 0
    settings = Settings.from_environ()
    settings.telling.begin("web", VERSION)
    stopping = SignalEvent()
    set_on(stopping)
    if told.socket is not None:
        with socket.socket(fileno=told.socket) as listening:
            return _serve(settings, listening, stopping, told.parent)
    # A web process lives while Postgres is away, and says why it is not ready.
    with suppress(DatabaseError), settings.database.connect("web") as conn:
        sealed.check(conn, seal_of(settings))
    with ExitStack() as closing:
        listening = closing.enter_context(_listen(settings.port))
        gauges: list[Gauges] = []
        if settings.metrics_port is not None:
            pool = closing.enter_context(settings.database.open_pool("metrics", 2))
            gauges = [Gauges(pool, sorted(load(settings.kinds)))]
        if settings.processes > 1:
            return _supervise(settings, listening, stopping, gauges)
        if settings.metrics_port is not None:
            events.info("metrics.served", port=exporter.serve(settings.metrics_port, gauges))
        return _serve(settings, listening, stopping)


class _Server(uvicorn.Server):
    """uvicorn without its signals: a second SIGTERM or SIGINT changes nothing, and the exit status is 0."""

    def __init__(self, config: uvicorn.Config, stopping: SignalEvent, parent: int | None, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._stopping = stopping
        self._parent = parent

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `main`."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """True once it is time to stop: at SIGTERM, or when the supervisor has gone, however it ended."""
        if self._parent is not None and os.getppid() != self._parent:
            events.error("supervisor.lost", pid=self._parent)
            self._app.state.changes.stop()
            return True
        is_over = await super().on_tick(counter) or self._stopping.is_set()
        if is_over:
            # Or the streams that pages listen to would be waited for until the time to drain is over.
            self._app.state.changes.stop()
        return is_over


def _serve(settings: Settings, listening: socket.socket, stopping: SignalEvent, parent: int | None = None) -> int:
    """Serves in this process; what is being answered at SIGTERM is answered."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        http=Connection,
        # Who connects is who asks: from this machine too, a header that names somebody else may be anybody's.
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    events.info("web.started", port=listening.getsockname()[1], pid=os.getpid())
    _Server(config, stopping, parent, app).run([listening])
    telling.end()
    events.info("web.stopped")
    set_off()
    return 0


def _supervise(settings: Settings, listening: socket.socket, stopping: SignalEvent, gauges: Sequence[Gauges]) -> int:
    """Keeps WEB_CONCURRENCY processes alive on one socket; passes SIGTERM on and waits for their end."""
    create_app(settings)  # a setting that can't be used stops us here, once, and not each child again and again
    command = [sys.executable, "-m", "api", "--socket", str(listening.fileno()), "--parent", str(os.getpid())]
    with tempfile.TemporaryDirectory(prefix="tocsin-metrics-") as folder:
        share_metrics(folder)
        if settings.metrics_port is not None:
            events.info("metrics.served", port=exporter.serve(settings.metrics_port, gauges))

        def start(number: int, _before: int | None) -> subprocess.Popen[bytes]:
            return subprocess.Popen(command, env=place_of(number), pass_fds=[listening.fileno()])

        children = keep_alive([partial(start, number) for number in range(settings.processes)], stopping, _tell)
        for child in children:
            child.terminate()
        status = max([_ended(child) for child in children], default=0)
    set_off()
    return status


def _tell(died: Died) -> None:
    events.error("web.died", pid=died.pid, status=died.status, next_try_in=died.next_try_in)


def _ended(child: subprocess.Popen[bytes]) -> int:
    try:
        return abs(child.wait(_KILL_SECONDS))
    except subprocess.TimeoutExpired:
        child.kill()
        return abs(child.wait())


def _listen(port: int) -> socket.socket:
    """The socket on `port` of all addresses, IPv6 too where there is one. Raises BadSetting when the port is taken."""
    try:
        try:
            return socket.create_server(
                ("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=socket.has_dualstack_ipv6()
            )
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            return socket.create_server(("", port), backlog=_BACKLOG)
    except OSError as error:
        raise BadSetting(f"PORT takes a port that is free and open to us, got {port}: {error.strerror}") from None
