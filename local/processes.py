"""A server of somebody else's as a child of ours: who it runs as, where its files lie, how it starts and ends."""

import atexit
import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

WATCHDOG = Path(__file__).with_name("watchdog.py")
# Database servers refuse to run as root, and initdb wants a user that the system knows: this one is everywhere.
UNPRIVILEGED = "nobody"
FIRST_EPHEMERAL = 32768
PORT_TRIES = 5
BETWEEN_LOOKS = 0.01


class ServerError(RuntimeError):
    """A server could not be started; the message says why, with the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on.

    It lies below the range that the system takes client ports from: in that range a client that keeps calling a
    stopped server's port sooner or later gets the same number for itself, is connected to itself, and blocks the port.
    """
    try:
        first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        first_ephemeral = FIRST_EPHEMERAL
    if first_ephemeral > 12_000:
        for port in random.sample(range(10_000, first_ephemeral), 200):
            if _is_free(port):
                return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def unprivileged() -> pwd.struct_passwd | None:
    """The user that servers run as when we are root; None when we are an ordinary user: they run as us."""
    return pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None


def run_unprivileged(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end as the user that servers run as; its output is in the result, whatever its status."""
    user = unprivileged()
    return subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=_environment(),
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def can_reach(path: Path) -> bool:
    """Whether the user that servers run as can read `path`: one closed parent folder is enough to stop it."""
    # Asked of the system rather than worked out from modes: access lists and mounts have a say too.
    return run_unprivileged(["/bin/sh", "-c", 'test -r "$1"', "sh", path]).returncode == 0


def make_folder(wanted: Path | None, purpose: str) -> Path:
    """A folder of the user that servers run as: the one wanted, made where it is missing, or a new temporary one.

    Raises ServerError when that user can't reach it.
    """
    folder = wanted.absolute() if wanted else Path(tempfile.mkdtemp(prefix=f"tocsin-{purpose}-", dir=_open_parent()))
    folder.mkdir(parents=True, exist_ok=True)
    give(folder)
    folder.chmod(0o700)
    if not can_reach(folder):
        raise ServerError(f"the user {UNPRIVILEGED} can't reach {folder}; give a folder whose parents are open to all")
    return folder


def give(path: Path) -> None:
    """Makes the user that servers run as the owner of `path`."""
    user = unprivileged()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


def _open_parent() -> Path:
    # TMPDIR may be private to us, and then a server that runs as another user can't get through it.
    for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if parent.is_dir() and os.access(parent, os.W_OK) and can_reach(parent):
            return parent
    raise ServerError("no temporary folder is open to an unprivileged user; give a data folder")


def _environment() -> dict[str, str]:
    # None of ours: PGDATA, PGPORT and the like would change what a server does.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Watched:
    """A running server under its watchdog: it ends when we end, even by SIGKILL, and its temporary folder with it."""

    def __init__(self, command: Sequence[str | Path], *, log: Path, signal_to_end: int, remove: Path | None) -> None:
        user = unprivileged()
        wanted = {
            "command": [str(word) for word in command],
            "user": user.pw_uid if user else None,
            "group": user.pw_gid if user else None,
            "log": str(log),
            "signal": signal_to_end,
            "remove": str(remove) if remove else None,
        }
        self._log = log
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WATCHDOG), json.dumps(wanted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env=_environment(),
            # Out of the terminal's group: Ctrl-C stops what uses the servers first.
            start_new_session=True,
        )
        assert self._watchdog.stdout
        first = self._watchdog.stdout.readline()
        if not first:
            self.wait()
            raise ServerError(f"{command[0]} can't be started")
        self.pid = int(first)

    def is_running(self) -> bool:
        """Whether the server has not ended yet; a paused one runs."""
        return self._watchdog.poll() is None

    def signal(self, number: int) -> None:
        """Sends the server a signal; one that has ended stays ended."""
        # It may end between the question and the signal, and its watchdog a little after it.
        with contextlib.suppress(ProcessLookupError):
            if self.is_running():
                os.kill(self.pid, number)

    def wait(self) -> int:
        """Waits for the server's end and returns its exit status, 128 + the signal if it was killed by one."""
        status = self._watchdog.wait()
        for pipe in (self._watchdog.stdin, self._watchdog.stdout):
            if pipe:
                pipe.close()
        return status

    def end(self, number: int) -> int:
        """Sends the signal, also to a paused server, waits for the end and returns the exit status."""
        self.signal(number)
        self.signal(signal.SIGCONT)
        return self.wait()

    def log_end(self) -> str:
        """The last lines of the server's log."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(lines[-15:])


def remove_folder(folder: Path) -> None:
    """Removes a server's folder with everything in it; one that is gone already is fine."""
    shutil.rmtree(folder, ignore_errors=True)


def running(server: Watched | None) -> Watched:
    """The server. Raises ServerError when it is not running."""
    if server is None or not server.is_running():
        raise ServerError("the server is not running")
    return server


def fresh_log(log: Path) -> Path:
    """The log, emptied, so that its end tells about this start and no earlier one."""
    log.touch(0o600)
    log.write_text("")
    return log


def close_at_exit(close: Callable[[], None]) -> None:
    """Closes a server when this process ends, though not when a forked child of it does."""
    # The watchdog would do it too, a moment after we are gone; this way nothing is left when we end.
    owner = os.getpid()
    atexit.register(lambda: close() if os.getpid() == owner else None)
