"""Real tickers and workers for a test, each a process of its own, and the one way to wait for what they do."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self, TypeVar
from uuid import UUID

from tests import kinds, make

ROOT = Path(__file__).resolve().parent.parent
LEASE_SECONDS = 1.0
_BETWEEN_LOOKS = 0.01

Found = TypeVar("Found")


def until(
    condition: Callable[[], Found | None], timeout: float = 60.0, why: Callable[[], object] = lambda: ""
) -> Found:
    """What the condition answers once it is true. Fails after `timeout` seconds, telling the last answer and `why`."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still {found!r} after {timeout} s. {why()}"
        time.sleep(_BETWEEN_LOOKS)
    return found


class Process:
    """A process that a test started; its log goes to a file."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path, root: Path = ROOT) -> None:
        self._log = log
        with log.open("wb") as out:
            # A session of its own: a signal to its group reaches it and its children, and nobody else.
            self._process = subprocess.Popen(
                command, env=environ, cwd=root, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.pid = self._process.pid

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def until_says(self, event: str, timeout: float = 20.0) -> None:
        """Waits until its log names the event."""
        until(lambda: event in self.log() or not self.is_running(), timeout, self.log)
        assert event in self.log(), f"it ended with {self._process.returncode}: {self.log()}"

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        """Sends it a signal; one that has ended stays ended."""
        if self.is_running():
            self._process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Sends the signal to it and to all its children, as a platform does."""
        if self.is_running():
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """Ends it and its children by SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self, timeout: float = 30.0) -> int:
        """Its exit status; minus the signal when one killed it."""
        return self._process.wait(timeout)

    def stop(self, timeout: float = 30.0) -> int:
        """Asks it to stop and returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)


class System:
    """One database, one broker, and the processes that a test starts on them; all are gone when the block ends."""

    def __init__(self, database: str, broker: str, folder: Path, **environ: str) -> None:
        self.database = database
        self.folder = folder
        self.conn = make.connect(database)
        self.tenant = make.tenant(self.conn)
        self.processes: list[Process] = []
        self.root = ROOT
        self._environ = {
            "PATH": os.environ["PATH"],
            # What a supervisor leaves behind that is killed goes with the test's folder.
            "TMPDIR": str(folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATABASE_URL": database,
            "BROKER_URL": broker,
            "TOCSIN_LEASE_SECONDS": str(LEASE_SECONDS),
            "TOCSIN_KINDS": kinds.NAMES,
            "WORKER_THREADS": "4",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "debug",
        } | environ

    def start(self, module: str, *args: str, wait_for: str | None = None, **environ: str) -> Process:
        """Starts `python -m module` of the code in `root` and returns once it says `wait_for`."""
        log = self.folder / f"{len(self.processes)}-{module}.log"
        of_code = {} if self.root == ROOT else {"PYTHONPATH": str(self.root)}
        settings = self._environ | of_code | environ
        process = Process([sys.executable, "-m", module, *args], settings, log, self.root)
        self.processes.append(process)
        if wait_for is not None:
            process.until_says(wait_for)
        return process

    def ticker(self, *, wait: bool = True, **environ: str) -> Process:
        """A ticker, started unless it need not be waited for."""
        return self.start("scheduler", wait_for="ticker.started" if wait else None, **environ)

    def worker(self, *args: str, wait: bool = True, **environ: str) -> Process:
        """A worker, started unless it need not be waited for."""
        return self.start("workers", *args, wait_for="worker.started" if wait else None, **environ)

    def schedule(self, **row: Any) -> UUID:
        """A schedule of this system's tenant; the tickers are told."""
        schedule_id = make.schedule(self.conn, self.tenant, **row)
        self.notify()
        return schedule_id

    def notify(self) -> None:
        """Wakes the tickers, as a change by the API does."""
        self.conn.execute("select pg_notify('tocsin', '')")

    def value(self, statement: LiteralString, *params: Any) -> Any:
        """The first column of the first row that the statement answers."""
        return make.value(self.conn, statement, *params)

    def states(self, schedule_id: UUID | None = None) -> dict[str, int]:
        """How many runs there are in each state, of one schedule or of all."""
        return dict(
            self.conn.execute(
                "select state, count(*)::int from runs where %(id)s::uuid is null or schedule_id = %(id)s group by 1",
                {"id": schedule_id},
            ).fetchall()
        )

    def until_states(self, timeout: float = 20.0, schedule_id: UUID | None = None, **wanted: int) -> None:
        """Waits until the runs stand exactly like this, `succeeded=3, dead=1`."""
        until(lambda: self.states(schedule_id) == wanted, timeout, lambda: f"{self.states(schedule_id)}\n{self.logs()}")

    def logs(self) -> str:
        """The last lines of every process's log."""
        return "\n".join(f"--- {each._log.name}\n{each.log()[-4000:]}" for each in self.processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            sys.stdout.write(self.logs())
        for process in self.processes:
            process.kill()
        self.conn.close()
