"""Several worker processes as one: kept alive, told to stop, their metrics merged; and what ends one of them."""

import os
import signal
import subprocess
import sys
import tempfile
from functools import partial

from config.children import Died, keep_alive
from config.environ import place_of, share_metrics
from config.signals import SignalEvent, set_off, set_on
from db import migrate, sealed
from db.arrival import when_there
from db.pool import Connection
from telemetry import exporter
from telemetry.log import Events
from workers.settings import Settings

events = Events("worker")

# The exit status of one of several whose schema does not fit: sysexits' "configuration error".
UNFIT = 78


def wait(stopping: SignalEvent, parent: int | None) -> None:
    """Returns at SIGTERM, or within a second after the supervisor has gone, however it ended."""
    # Asked again and again: the death signal of Linux follows a thread, and no other system has one.
    while not stopping.wait(None if parent is None else 1.0):
        if is_orphan(parent):
            return


def is_orphan(parent: int | None) -> bool:
    """True once the supervisor, where there is one, has gone."""
    is_lost = parent is not None and os.getppid() != parent
    if is_lost:
        events.error("supervisor.lost", pid=parent)
    return is_lost


def supervise(settings: Settings, grace_seconds: float) -> int:
    """Keeps WORKER_PROCESSES processes alive and serves their metrics as one; passes SIGTERM on.

    Raises BadSetting and SchemaError, once for all: each child would only be started again and again.
    """
    stopping = SignalEvent()
    set_on(stopping)
    with tempfile.TemporaryDirectory(prefix="tocsin-metrics-") as folder:
        share_metrics(folder)
        if settings.metrics_port is not None:
            events.info("metrics.served", port=exporter.serve(settings.metrics_port))
        if when_there(settings.database, "worker", partial(_checked, settings), stopping.wait) is None:
            status = 0
        else:
            starts = [partial(_start, grace_seconds, number) for number in range(settings.processes)]
            children = keep_alive(starts, stopping, _tell)
            for child in children:
                child.terminate()
            # One that SIGTERM met before it could handle it had begun nothing.
            status = max([0 if child.wait() == -signal.SIGTERM else abs(child.wait()) for child in children], default=0)
    set_off()
    return status


def _checked(settings: Settings, conn: Connection) -> bool:
    """True: the schema fits, and what may open stored secrets has their keys. Raises SchemaError, BadSetting."""
    migrate.check(conn)
    if settings.mode != "held" and not migrate.is_foreign(conn):
        sealed.check(conn, settings.seal)
    return True


def _start(grace_seconds: float, number: int, before: int | None) -> subprocess.Popen[bytes]:
    """The worker of that place. Of one that ended since the schema does not fit, the next need not say so again."""
    command = [sys.executable, "-m", "workers", "--grace", str(grace_seconds), "--parent", str(os.getpid())]
    return subprocess.Popen(command + (["--told"] if before == UNFIT else []), env=place_of(number))


def _tell(died: Died) -> None:
    events.error("worker.died", pid=died.pid, status=died.status, next_try_in=died.next_try_in)
