"""`tocsin up`: a whole Tocsin on this machine, kept running until Ctrl-C; its data is kept for the next time."""

import argparse
import fcntl
import hashlib
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from api import sign_in_links, tenants, tokens
from config.environ import SETTINGS
from config.signals import SignalEvent
from db.pool import Database
from local.children import Child
from local.machine import Machine, check_port, choose_port
from local.processes import ServerError, can_reach
from local.recipes import Place, load_figures, sow

CHECKOUT = Path(__file__).resolve().parent.parent
_AUTHOR = "command:up"
_BETWEEN_LOOKS = 0.2
_WEB_PORT = 8000
_LINK_MINUTES = 60


class Stopped(BaseException):
    """Asked to stop while it was still starting."""


class Stop:
    """SIGINT, SIGTERM and SIGHUP end the start or the watch; a second one changes nothing."""

    def __init__(self) -> None:
        self.asked = SignalEvent()
        self.is_starting = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        is_first = not self.asked.is_set()
        self.asked.set()
        if is_first and self.is_starting:
            raise Stopped


def main(argv: Sequence[str] | None = None) -> int:
    """Runs until it is asked to stop; returns the exit status. Nothing is left running."""
    parser = argparse.ArgumentParser(prog="tocsin up", description="A whole Tocsin on this machine, until Ctrl-C.")
    parser.add_argument("--folder", type=Path, help="where its data, mails and logs are kept (.run of the checkout)")
    wanted: Path | None = parser.parse_args(argv).folder
    stop = Stop()
    try:
        folder = (wanted or default_folder()).absolute()
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _only_one(folder), Machine(folder, home=folder, tell=_say) as machine:
            environ = _start(machine)
            _tell_where(machine, environ)
            stop.is_starting = False
            _watch(machine.children, stop.asked)
            _say("stopping")
    except Stopped:
        _say("stopped before it had started")
    except (ServerError, OSError) as error:
        print(f"tocsin: {error}", file=sys.stderr)
        return 1
    return 0


def default_folder() -> Path:
    """`.run` of the checkout, or a folder of this checkout in /var/tmp when root's servers can't get to the checkout.

    Raises ServerError when somebody else has that folder.
    """
    if os.access(CHECKOUT, os.W_OK) and can_reach(CHECKOUT):
        return CHECKOUT / ".run"
    mark = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
    folder = Path("/var/tmp") / f"tocsin-{os.geteuid()}-{mark}"
    # The name can be guessed and the parent is everybody's: only a folder of ours may hold our keys.
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.geteuid()):
        raise ServerError(f"{folder} belongs to somebody else; remove it")
    return folder


def _start(machine: Machine) -> dict[str, str]:
    """Starts everything and returns the processes' environment."""
    given = int(os.environ.get("PORT") or 0)
    if given:
        check_port(given)
    machine.start_servers()
    load_figures(machine.own_database_url)
    sow(Place.of(machine), every_seconds=60)
    # Right before the web takes it: whoever takes it in between would be shown as ours.
    port = given or choose_port(_WEB_PORT)
    check_port(port)
    environ = machine.environ(os.environ, PORT=str(port))
    environ.setdefault("TOCSIN_URL", f"http://127.0.0.1:{port}")
    _write_environ(machine.files / "env", environ, _fresh_token(machine.database_url))
    machine.start_processes(environ)
    _wait_for_web(machine, port)
    return environ


def _wait_for_web(machine: Machine, port: int) -> None:
    """Returns once the web listens. Raises ServerError when a process ends instead."""
    while True:
        for child in machine.children:
            status = child.died()
            if status is not None:
                raise ServerError(f"{child.name} ended with status {status}:\n{child.log_end(5)}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_BETWEEN_LOOKS)


def _watch(children: Sequence[Child], stopping: SignalEvent) -> None:
    """Starts again what dies, until it is time to stop."""
    while not stopping.wait(_BETWEEN_LOOKS):
        for child in children:
            status = child.died()
            if status is not None:
                _say(f"{child.name} ended with status {status}, and starts again in {child.seconds_to_start:.0f} s:")
                _say(child.log_end(3))
            child.restart_when_due()


def _tell_where(machine: Machine, environ: dict[str, str]) -> None:
    files = machine.files
    link = _fresh_link(machine.database_url)
    _say(
        f"""
Tocsin runs until Ctrl-C.

  web          {environ["TOCSIN_URL"]}{link}
               signs you in, once, within the hour; `tocsin tokens link` prints another
  API          {environ["TOCSIN_URL"]}/docs
  Postgres     {machine.database_url}
  sample data  {machine.own_database_url}
  mail         {files}/mail  (every mail that is sent is a file there)
  calls        {files}/calls.jsonl  (what http.call called)
  logs         {files}/log
  settings     . {files}/env  (in another terminal; then: tocsin schedules list,
               or curl -H "Authorization: Bearer $TOKEN" $TOCSIN_URL/api/schedules)
"""
    )


def _fresh_token(database_url: str) -> str:
    """An admin's token of the default tenant; the one of an earlier start is revoked."""
    with Database.at(database_url).connect("up") as conn:
        tenant = tenants.default(conn).id
        for token in tokens.list_all(conn, tenant, limit=1000):
            if token.created_by == _AUTHOR and not token.is_session:
                tokens.revoke(conn, tenant, token.id)
        return tokens.create(conn, tenant, "tocsin up", "admin", created_by=_AUTHOR)[1]


def _fresh_link(database_url: str) -> str:
    """The path that signs an admin of the default tenant in, once."""
    with Database.at(database_url).connect("up") as conn:
        tenant = tenants.default(conn).id
        return sign_in_links.create(conn, tenant, "admin", _AUTHOR, minutes=_LINK_MINUTES)[1]


def _write_environ(file: Path, environ: dict[str, str], token: str) -> None:
    """A file for a shell to read: all settings of the processes, so that a command does what they would do, and a token."""
    file.touch(0o600)
    lines = [*((name, text) for name, text in environ.items() if name in SETTINGS), ("TOKEN", token)]
    file.write_text("".join(f"export {name}={shlex.quote(text)}\n" for name, text in lines))


def _only_one(folder: Path) -> IO[str]:
    """The lock on the folder, held until closed. Raises ServerError when another `up` has it."""
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ServerError(f"`tocsin up` runs already on {folder}") from None
    return lock


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
