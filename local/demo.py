"""`tocsin demo`: one schedule of every kind, from its due row to its mail or call, on servers of its own.

Real data, real servers, real processes. What it sent stays in a temporary folder; nothing is left running.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import psycopg

from local.machine import Machine, plain_environ
from local.processes import ServerError
from local.recipes import RUNS, Place, load_figures, missing_recipes, sow
from local.report import Found, as_json, as_text, look

PATIENCE_SECONDS = 60.0
_BETWEEN_LOOKS = 0.05
_PROCESSES = ("ticker", "worker")


class DemoError(RuntimeError):
    """The demo did not succeed; the message says which part did not."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs every kind once through the whole path; returns 0 when each did what it should."""
    parser = argparse.ArgumentParser(prog="tocsin demo", description="One of everything, from a due row to its mail.")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    is_json: bool = parser.parse_args(argv).json
    _end_in_order_on_signals()
    files = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    log = sys.stderr if is_json else sys.stdout

    def tell(line: str) -> None:
        print(line, file=log, flush=True)

    try:
        with ExitStack() as closing:
            found = _run(closing.enter_context(Machine(files, tell=tell)), tell)
            print(as_json(found) if is_json else as_text(found, files), flush=True)
    except KeyboardInterrupt:
        print("tocsin: the demo was stopped", file=sys.stderr)
        return 1
    except (DemoError, ServerError, OSError, psycopg.Error) as error:
        if is_json:
            print(json.dumps({"kinds": [], "ok": False, "reason": str(error)}))
        print(f"tocsin: the demo failed: {error}\ntocsin: its logs are in {files / 'log'}", file=sys.stderr)
        return 1
    for kind in found:
        for problem in kind.problems:
            print(f"tocsin: {kind.kind} did not succeed: {problem}; see {files / 'log'}", file=sys.stderr)
    return 0 if all(kind.is_ok for kind in found) else 1


def _run(machine: Machine, tell: Callable[[str], None]) -> list[Found]:
    """What came of one schedule of every kind. Raises DemoError when something of the set-up fails."""
    lacking = missing_recipes()
    if lacking:
        raise DemoError(f"there is no recipe in local/recipes.py for {', '.join(lacking)}")
    machine.start_servers()
    rows = load_figures(machine.own_database_url)
    tell(f"the tenant's own database holds {rows} months of employment in the United States")
    machine.start_processes(machine.environ(plain_environ(), TOCSIN_LEASE_SECONDS="5"), _PROCESSES)
    with psycopg.connect(machine.database_url, autocommit=True) as conn:
        started = time.monotonic()
        _wait(machine, lambda: _are_registered(conn), "no ticker or no worker came up")
        tell(f"ticker and worker run ({time.monotonic() - started:.1f} s)")
        sown = sow(Place.of(machine), every_seconds=1, max_runs=RUNS)
        tell(f"{len(sown)} schedules made: {RUNS} slots each, a second apart\n")
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = look(conn, machine, sown)
            if all(kind.is_over for kind in found) or time.monotonic() > until:
                return found
            _check_alive(machine)
            time.sleep(_BETWEEN_LOOKS)


def _wait(machine: Machine, condition: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        _check_alive(machine)
        if time.monotonic() > until:
            raise DemoError(f"{otherwise} within {PATIENCE_SECONDS:.0f} s")
        time.sleep(_BETWEEN_LOOKS)


def _are_registered(conn: psycopg.Connection) -> bool:
    roles = conn.execute("select distinct role from processes where stopped_at is null and lost_at is null").fetchall()
    return {role for (role,) in roles} >= set(_PROCESSES)


def _check_alive(machine: Machine) -> None:
    for child in machine.children:
        status = child.died()
        if status is not None:
            raise DemoError(f"{child.name} ended with status {status}:\n{child.log_end()}")


def _end_in_order_on_signals() -> None:
    """The first SIGINT or SIGTERM ends the demo, which stops all that it started; a second one changes nothing."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
