"""Tocsin's own processes as children of ours: each in a session of its own, ended with us however we end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from local.processes import WATCHDOG, ServerError

GRACE_SECONDS = 27.0
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
_LONG_ALIVE = 60.0


class Child:
    """One process, whose output goes to a log; `restart_when_due` starts it again, later each time it dies soon."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        # Its folder is /, as the watchdog's: what lies here must be importable all the same, such as one's own kinds.
        paths = (str(Path.cwd()), str(WATCHDOG.parent.parent), environ.get("PYTHONPATH", ""))
        self._environ = {**environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._wait = _FIRST_WAIT
        self._started_at = 0.0
        self._due_at: float | None = None
        self.pid = 0

    def start(self) -> None:
        """Starts the process; its log begins anew."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        self.log.chmod(0o600)
        self._launch()

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._watchdog is not None and self._watchdog.poll() is None

    def died(self) -> int | None:
        """The exit status, once, when the process ended by itself; None while it runs or waits for its new start."""
        if self._watchdog is None or self._watchdog.poll() is None:
            return None
        status = self._watchdog.returncode
        self._let_go()
        if time.monotonic() - self._started_at > _LONG_ALIVE:
            self._wait = _FIRST_WAIT
        self._due_at = time.monotonic() + self._wait
        return status

    @property
    def seconds_to_start(self) -> float:
        """How long it waits before it starts again."""
        return self._wait

    def restart_when_due(self) -> None:
        """Starts a process that died, once its wait is over."""
        if self._due_at is not None and time.monotonic() >= self._due_at:
            self._due_at = None
            self._wait = min(_LONGEST_WAIT, self._wait * 2)
            self._launch()

    def terminate(self) -> None:
        """Asks the process to end."""
        self._due_at = None
        if self.is_running():
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, until: float) -> int | None:
        """Waits for the end until that monotonic time, then kills; returns the exit status, None if there is none."""
        if self._watchdog is None:
            return None
        try:
            self._watchdog.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self._watchdog.wait()
        status = self._watchdog.returncode
        self._let_go()
        return status

    def log_end(self, lines: int = 15) -> str:
        """The last lines of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _launch(self) -> None:
        wanted = {
            "command": self._command,
            "user": None,
            "group": None,
            "log": str(self.log),
            "signal": signal.SIGTERM,
            "remove": None,
        }
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WATCHDOG), json.dumps(wanted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env=self._environ,
            # Out of the terminal's group: Ctrl-C reaches us alone, and we stop all in order.
            start_new_session=True,
        )
        assert self._watchdog.stdout
        first = self._watchdog.stdout.readline()
        if not first:
            raise ServerError(f"{self.name} can't be started: {' '.join(self._command)}")
        self.pid = int(first)
        self._started_at = time.monotonic()

    def _let_go(self) -> None:
        assert self._watchdog
        for pipe in (self._watchdog.stdin, self._watchdog.stdout):
            if pipe:
                pipe.close()
        self._watchdog = None


def stop_all(children: Iterable[Child], grace_seconds: float = GRACE_SECONDS) -> dict[str, int]:
    """Ends all of them together within the grace; returns the exit status of each that ran."""
    running = list(children)
    for child in running:
        child.terminate()
    until = time.monotonic() + grace_seconds
    statuses = {child.name: child.wait(until) for child in running}
    return {name: status for name, status in statuses.items() if status is not None}
