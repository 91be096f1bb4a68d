"""A process that has loaded every module of a ticker and a worker, and forks them: one begins in a tenth of a second.

It is asked by lines of JSON, one answer a line. What it forked ends with it.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Self

from local.machine import plain_environ
from tests.system import ROOT, until

MAINS = {"ticker": "scheduler.__main__", "worker": "workers.main"}
STARTED = {"ticker": "ticker.started", "worker": "worker.started"}
_LOADED = ("tests.proof.points.kinds", "proof.chaos.kinds", "workers.kinds", "workers.channels.smtp")
_PR_SET_PDEATHSIG = 1


class Forked:
    """A ticker or worker out of the nursery."""

    def __init__(self, nursery: "Nursery", role: str, pid: int, log: Path) -> None:
        self._nursery = nursery
        self._status: int | None = None
        self.role = role
        self.pid = pid
        self._log = log

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def status(self) -> int | None:
        """Its exit status once it has ended, minus the signal when one killed it; None while it runs."""
        if self._status is None:
            self._status = self._nursery.ask(do="look", pid=self.pid)
        return self._status

    def until_started(self) -> None:
        """Returns once it takes work, or has ended."""
        until(lambda: STARTED[self.role] in self.log() or self.status() is not None, 30, self.log)

    def until_says(self, event: str, timeout: float = 30.0) -> None:
        """Returns once its log names the event."""
        until(lambda: event in self.log(), timeout, self.log)

    def signal(self, number: int) -> None:
        """Sends it a signal; one that has ended stays ended."""
        if self.status() is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit status, once it has ended."""
        until(lambda: self.status() is not None, seconds, self.log)
        assert self._status is not None
        return self._status

    def kill(self) -> None:
        """Ends it by SIGKILL."""
        self.signal(signal.SIGKILL)
        self.wait()


class Nursery:
    """The process that forks; all that it forked ends when the block does."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=plain_environ() | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, **wanted: Any) -> Any:
        """Its answer."""
        asking, answering = _pipes(self._process)
        asking.write(json.dumps(wanted) + "\n")
        asking.flush()
        line = answering.readline()
        assert line, "the nursery has ended"
        return json.loads(line)

    def fork(self, role: str, environ: Mapping[str, str], log: Path) -> Forked:
        """A new process with that role, begun and not yet started."""
        log.touch()
        return Forked(self, role, self.ask(do="fork", role=role, environ=dict(environ), log=str(log)), log)


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def _be(role: str, environ: Mapping[str, str], log: str) -> int:
    """What the child does: it becomes the process that `python -m` would have made."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    said = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.clear()
    os.environ.update(environ)
    if environ.get("FAULT"):
        _arm(environ["FAULT"])
    main: Callable[[], int] = importlib.import_module(MAINS[role]).main
    return main()


def _arm(asked: str) -> None:
    """Makes the points what they would be, had FAULT been there when their modules were loaded."""
    from config import faults

    armed = faults._faulty(asked)
    for module in list(sys.modules.values()):
        if getattr(module, "faultpoint", None) is faults._nothing:
            module.faultpoint = armed  # type: ignore[attr-defined]


def _fork(role: str, environ: Mapping[str, str], log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        status = _be(role, environ, log)
    except BaseException:  # noqa: BLE001  the child must never go on as a second nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _look(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def main() -> None:
    """Serves until standard input ends."""
    for name in (*MAINS.values(), *_LOADED):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    doings: dict[str, Callable[..., int | None]] = {"fork": _fork, "look": _look}
    while line := sys.stdin.readline():
        wanted = json.loads(line)
        answer = doings[wanted.pop("do")](**wanted)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
