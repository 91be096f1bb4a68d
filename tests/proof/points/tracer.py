"""Kills a process at the Nth network or disk-flush call of one run, counted over all its threads in their order.

`python tracer.py PID MARK N`: it counts from the call that sends MARK on. Says `attached`, then `killed COUNT NAME`, or
`ended COUNT` at SIGTERM. strace counts each thread by itself, so it cannot name the Nth call of a run that passes
through five threads. Needs nothing but Python and Linux.
"""

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from typing import Any

_SYSCALL, _CONT, _SEIZE, _INTERRUPT, _LISTEN, _INFO = 24, 7, 0x4206, 0x4207, 0x4208, 0x420E
_OPTIONS = 0x1 | 0x8  # a stop at a call is told apart from a signal; new threads are traced too
_WALL = 0x40000000
_ENTRY = 1
_EVENT_STOP = 128
_LONGEST = 64 * 1024
_X86 = {
    "socket": 41, "connect": 42, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "shutdown": 48,
    "getsockname": 51, "getpeername": 52, "socketpair": 53, "setsockopt": 54, "getsockopt": 55, "fsync": 74,
    "fdatasync": 75,
}  # fmt: skip
_ARM = {
    "socket": 198, "socketpair": 199, "connect": 203, "getsockname": 204, "getpeername": 205, "sendto": 206,
    "recvfrom": 207, "setsockopt": 208, "getsockopt": 209, "shutdown": 210, "sendmsg": 211, "recvmsg": 212,
    "fsync": 82, "fdatasync": 83,
}  # fmt: skip
CALLS = {number: name for name, number in {"x86_64": _X86, "aarch64": _ARM}.get(platform.machine(), {}).items()}


class _Ended(Exception):
    """Nobody wants the kill any more."""


class Tracer:
    """Traces every thread of a process, until the call at which it is killed."""

    def __init__(self, pid: int, mark: bytes, nth: int) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._libc.ptrace.restype = ctypes.c_long
        self._info = ctypes.create_string_buffer(88)
        self._pid = pid
        self._mark = mark
        self._nth = nth
        self._memory = open(f"/proc/{pid}/mem", "rb", buffering=0)  # noqa: PTH123, SIM115  as long as the process
        self.count: int | None = None

    def attach(self) -> None:
        """Traces all threads there are, and those to come."""
        seized: set[int] = set()
        while found := {int(name) for name in os.listdir(f"/proc/{self._pid}/task")} - seized:  # noqa: PTH208
            for thread in found:
                self._ask(_SEIZE, thread, _OPTIONS)
                self._ask(_INTERRUPT, thread)
            seized |= found

    def run(self) -> str | None:
        """The name of the call at which the process was killed; None when it ended by itself."""
        killed_at = None
        while True:
            try:
                thread, status = os.waitpid(-1, _WALL)
            except ChildProcessError:
                return killed_at
            if not os.WIFSTOPPED(status):
                continue
            number, event = os.WSTOPSIG(status), status >> 16
            if killed_at is None and number == signal.SIGTRAP | 0x80 and (killed_at := self._meets(thread)):
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.kill(self._pid, signal.SIGKILL)
                continue
            is_ours = number == signal.SIGTRAP | 0x80 or event
            is_stopped = event == _EVENT_STOP and number != signal.SIGTRAP
            self._ask(_LISTEN if is_stopped else _SYSCALL, thread, 0 if is_ours else number)

    def _meets(self, thread: int) -> str | None:
        """The name of the call when the thread is about to make the Nth one."""
        self._ask(_INFO, thread, ctypes.addressof(self._info), len(self._info))
        if self._info.raw[0] != _ENTRY:
            return None
        number, _, address, length = struct.unpack_from("<4Q", self._info.raw, 24)
        name = CALLS.get(number)
        if name is None:
            return None
        if self.count is None:
            if name != "sendto" or self._mark not in self._sent(address, length):
                return None
            self.count = 0
        self.count += 1
        return name if self.count == self._nth else None

    def _sent(self, address: int, length: int) -> bytes:
        self._memory.seek(address)
        return self._memory.read(min(length, _LONGEST))

    def _ask(self, request: int, thread: int, data: int = 0, data_size: int = 0) -> None:
        address, data = (data_size, data) if request == _INFO else (0, data)
        if self._libc.ptrace(request, thread, address, data) < 0 and ctypes.get_errno() != errno.ESRCH:
            # A thread that has just ended answers ESRCH; its end is waited for like all others.
            raise OSError(ctypes.get_errno(), "ptrace")


def main(pid: str, mark: str, nth: str, is_probe: str = "") -> None:
    """Says what came of it."""

    def end(*_: Any) -> None:
        raise _Ended

    signal.signal(signal.SIGTERM, end)
    tracer = Tracer(int(pid), mark.encode(), int(nth))
    tracer.attach()
    sys.stdout.write("attached\n")
    sys.stdout.flush()
    if is_probe:
        return
    name = None
    with contextlib.suppress(_Ended):
        name = tracer.run()
    sys.stdout.write(f"killed {tracer.count} {name}\n" if name else f"ended {tracer.count or 0}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
