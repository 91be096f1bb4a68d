"""Several worker processes as one: kept alive, told to stop, their metrics merged; and what ends one of them."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

from config.environ import place_of, share_metrics
from config.signals import SignalEvent, set_off, set_on
from db import sealed
from db.pool import DatabaseError
from telemetry import exporter
from telemetry.log import Events
from workers.settings import Settings

events = Events("worker")


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
    """Keeps WORKER_PROCESSES processes alive and serves their metrics as one; passes SIGTERM on. Raises BadSetting."""
    stopping = SignalEvent()
    set_on(stopping)
    with suppress(DatabaseError), settings.database.connect("worker") as conn:
        sealed.check(conn, settings.seal)  # once for all; each child would only be started again and again
    with tempfile.TemporaryDirectory(prefix="tocsin-metrics-") as folder:
        share_metrics(folder)
        if settings.metrics_port is not None:
            events.info("metrics.served", port=exporter.serve(settings.metrics_port))
        command = [sys.executable, "-m", "workers", "--grace", str(grace_seconds), "--parent", str(os.getpid())]
        children = [subprocess.Popen(command, env=place_of(number)) for number in range(settings.processes)]
        while not stopping.wait(0.2):
            for number, child in enumerate(children):
                if child.poll() is not None:
                    events.error("worker.died", pid=child.pid, status=child.returncode)
                    if stopping.wait(1.0):
                        break
                    children[number] = subprocess.Popen(command, env=place_of(number))
        for child in children:
            child.terminate()
        # One that SIGTERM met before it could handle it had begun nothing.
        status = max(0 if child.wait() == -signal.SIGTERM else abs(child.wait()) for child in children)
    set_off()
    return status
