"""Named points at which a test may end, stop or fail a process; without FAULT in the environment each is a no-op.

FAULT=name:nth:action, the action one of kill, stop, term, raise: `FAULT=after_claim:2:kill` kills at the second claim.
"""

import os
import signal
import threading
from collections.abc import Callable

from config.environ import FAULT


class Fault(RuntimeError):
    """A test asked for this."""


def _nothing(_name: str) -> None:
    return


def _faulty(asked: str) -> Callable[[str], None]:
    name, nth, action = asked.split(":")
    passed = 0

    def faultpoint(here: str) -> None:
        nonlocal passed
        if here != name:
            return
        passed += 1
        if passed != int(nth):
            return
        if action == "raise":
            raise Fault(asked)
        if action == "term":
            os.kill(os.getpid(), signal.SIGTERM)
            return
        # To this very thread: one that is sent to the process may reach another first, and this one goes on meanwhile.
        signal.pthread_kill(threading.get_ident(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[action])

    return faultpoint


faultpoint: Callable[[str], None] = _faulty(FAULT) if FAULT else _nothing
"""Called with its name at each point of the path; what it does was settled when the process began."""
