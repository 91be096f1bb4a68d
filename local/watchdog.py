"""Runs one server and makes sure that it ends with the process that wanted it, however that one ends.

Started by `local.processes` as a script of its own (it imports nothing of ours), with one JSON object as its argument:
command, user (or null), log, signal, remove (a folder or null). It prints the server's process id, then waits for
whichever comes first: the server's exit, whose status it takes over, or the end of its parent, which it sees as the
end of its standard input or as a new parent id. In the second case it signals the server, waits, and removes the folder.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 20.0
ORPHAN_PATIENCE_SECONDS = 5.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Runs the server to its end and returns its exit status."""
    wanted: dict[str, Any] = json.loads(sys.argv[1])
    parent = os.getppid()
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    server = _start(wanted)
    print(server.pid, flush=True)
    while server.poll() is None:
        # The time-out serves the rare case that a forked child of the parent still holds the other end of the pipe.
        readable, _, _ = select.select([sys.stdin, woken], [], [], 1.0)
        if woken in readable:
            os.read(woken, 64)
        if os.getppid() != parent or (sys.stdin in readable and not os.read(sys.stdin.fileno(), 1)):
            _end(server, wanted["signal"])
            _outlive_orphans()
            if wanted["remove"]:
                shutil.rmtree(wanted["remove"], ignore_errors=True)
    _outlive_orphans()
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def _start(wanted: dict[str, Any]) -> subprocess.Popen[bytes]:
    identity: dict[str, Any] = {}
    if wanted["user"]:
        identity = {"user": wanted["user"], "group": wanted["group"], "extra_groups": []}
    with Path(wanted["log"]).open("ab") as log:
        return subprocess.Popen(
            wanted["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            preexec_fn=_die_with_me,  # noqa: PLW1509 - this process has one thread, so nothing can be locked at the fork
            **identity,
        )


def _die_with_me() -> None:
    # For a SIGKILL of this very process.
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    # macOS has no such call: there a server outlives the SIGKILL of its watchdog, and orphans go to the system.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _outlive_orphans() -> None:
    """Waits until the children of a killed server are gone too, so that its data can be opened again."""
    until = time.monotonic() + ORPHAN_PATIENCE_SECONDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                time.sleep(0.005)


def _end(server: subprocess.Popen[bytes], number: int) -> None:
    server.send_signal(signal.SIGCONT)
    server.send_signal(number)
    try:
        server.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
