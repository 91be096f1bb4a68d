"""A ticker and a worker as a Procfile starts them, in one process group: `python -m proof.scenarios.group`.

It is the group's first process. It passes no signal on and outlives SIGTERM, so that what the group's processes do is
their own. It writes a line of JSON when one of them ends, and ends with the last of them. All of them end with it.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time

from local.journal import machine_time
from local.procfile import commands

ROLES = ("ticker", "worker")
_BETWEEN_LOOKS = 0.01
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Starts them and waits for their ends."""
    # A handler, not SIG_IGN: that one would be inherited.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    wanted = commands()
    running = {role: subprocess.Popen(wanted[role], preexec_fn=_die_with_me) for role in ROLES}  # noqa: PLW1509 - one thread
    while running:
        for role, process in list(running.items()):
            if process.poll() is not None:
                del running[role]
                _say({"role": role, "pid": process.pid, "status": process.returncode, "at": machine_time()})
        time.sleep(_BETWEEN_LOOKS)
    return 0


def _die_with_me() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.umask(0o077)


def _say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
