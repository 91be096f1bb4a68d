"""The processes of a chaos run: each seat holds a ticker or a worker, and gets a new one when that one is gone."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.children import Child

MODULES = {"ticker": "scheduler", "worker": "workers"}
_PATIENCE_SECONDS = 30.0


class Seat:
    """A place for one process: `name` stays, the process changes. `prefix` goes before the command that starts it."""

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        folder: Path,
        launcher: Sequence[str] = ("-m",),
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.role = name.partition("-")[0]
        self.boots = 0
        self._environ = dict(environ)
        self._command = [*prefix, sys.executable, *launcher, MODULES[self.role]]
        self._folder = folder
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The id of the process that sits here."""
        assert self._child
        return self._child.pid

    def fill(self, **environ: str) -> None:
        """Puts a new process here; the log of each is kept."""
        self.boots += 1
        log = self._folder / f"{self.name}.{self.boots}.log"
        self._child = Child(self.name, self._command, self._environ | environ, log)
        self._child.start()

    def is_empty(self) -> bool:
        """Whether the process ended."""
        return self._child is None or not self._child.is_running()

    def is_up(self) -> bool:
        """Whether the process runs, and said that it started."""
        return self._child is not None and not self.is_empty() and ".started" in self._child.log.read_text()

    def signal(self, number: int) -> None:
        """Sends it a signal; to one that has ended nothing is sent."""
        if not self.is_empty():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def signal_all(self, number: int) -> None:
        """Sends the signal to the process and to its children, as a platform does to a whole group."""
        for pid in (*_children(self.pid), self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self, seconds: float = _PATIENCE_SECONDS) -> int | None:
        """Waits for its end, kills it when that takes longer, and returns its exit status."""
        return self._child.wait(time.monotonic() + seconds) if self._child else None

    def kill(self) -> None:
        """Ends it by SIGKILL."""
        self.signal(signal.SIGKILL)
        self.wait()

    def log_end(self, lines: int = 15) -> str:
        """The last lines of its log."""
        return self._child.log_end(lines) if self._child else ""


def _children(pid: int) -> list[int]:
    """Its living children."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
