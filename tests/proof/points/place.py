"""Where points are hit: one database, healthy processes, doomed ones, and the judge over what all of them did."""

import contextlib
import itertools
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid4

import psycopg

from db.pool import Database
from local.machine import plain_environ
from local.mail import MailSink
from proof.chaos.kinds import OWED
from proof.invariants.case import Limits
from proof.read import read_history
from proof.records import Fault
from proof.sinks import CallSink, read_sink, read_starts
from proof.verdict import Verdict, judge
from scheduler import schedules
from scheduler.definition import NewSchedule
from tests import make
from tests.proof.points import kinds
from tests.proof.points.nursery import Forked, Nursery
from tests.races.proc import is_stopped
from tests.system import until

LEASE_SECONDS = 0.6
MIXED = ("chaos.mail", "chaos.work", "chaos.call", "chaos.mail", "points.fail")
COUNT = 20
_PARTS = 4
_BATCHES = 25
_OPEN: Final = """
    select exists (select from runs where state in ('pending', 'queued', 'running'))
        or exists (select from deliveries where state in ('pending', 'sending'))
        or exists (select from schedules as s where not exists (select from runs as r where r.schedule_id = s.id))
"""
# A run that waits for its next attempt keeps no new work back.
_BUSY = _OPEN.replace("('pending', 'queued', 'running')", "('queued', 'running')")
_LOST = "select exists (select from processes where pid = %s and lost_at is not null)"


class Place:
    """A database with its witnesses, and the processes at work on it; they are gone when the block ends."""

    def __init__(
        self, database: str, broker: str, folder: Path, nursery: Nursery, calls: CallSink, mails: MailSink
    ) -> None:
        self.database = database
        self.folder = folder
        self.calls = calls
        self.mails = mails
        self.faults: list[Fault] = []
        self.owed: dict[str, int] = dict(OWED)
        self._nursery = nursery
        self._closing = ExitStack()
        self.conn = make.connect(database)
        self.tenant = make.tenant(self.conn)
        self._schedules = self._closing.enter_context(Database.at(database).connect("points"))
        # Witnesses are shared: what is of this place is known by its schedules, and mails by their domain.
        self.domain = f"d{uuid4().hex[:12]}.example"
        self.made: set[str] = set()
        self.processes: list[Forked] = []
        self._numbers = itertools.count()
        self.environ = plain_environ() | {
            "DATABASE_URL": database,
            "BROKER_URL": broker,
            "MAIL_URL": mails.url,
            "MAIL_FROM": f"Points <points@{self.domain}>",
            "TOCSIN_KINDS": kinds.NAMES,
            "TOCSIN_LEASE_SECONDS": str(LEASE_SECONDS),
            "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8",
            "WORKER_THREADS": "4",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "info",
        }

    def start(self, role: str, *, wait: bool = True, **environ: str) -> Forked:
        """A ticker or worker, started unless it need not be waited for."""
        log = self.folder / f"{next(self._numbers)}-{role}.log"
        process = self._nursery.fork(role, self.environ | environ, log)
        self.processes.append(process)
        if wait:
            process.until_started()
        return process

    def due(self, wanted: Sequence[str] = MIXED, count: int = COUNT, **more: Any) -> list[UUID]:
        """Makes schedules of the kinds in turn that are due once, now; the tickers are told of them in a few parts."""
        made = []
        part = max(1, count // _PARTS)
        for first in range(0, count, part):
            with self._schedules.transaction():
                made += [self._due(wanted[number % len(wanted)], more) for number in range(first, first + part)]
        return made

    def make(self, kind: str, params: dict[str, Any], **more: Any) -> UUID:
        """A schedule of the kind, due once, now, unless more is told."""
        schedule = uuid4()
        self.made.add(str(schedule))
        timing = {} if {"interval_seconds", "cron", "scheduled_at"} & set(more) else {"scheduled_at": self.now()}
        new: dict[str, Any] = {
            "overlap_policy": "allow",
            "max_attempts": 60,
            "backoff": {"baseSeconds": 0.05, "maxSeconds": 0.2},
        }
        definition = NewSchedule(kind=kind, name=f"p-{schedule}", params=params, **(new | timing | more))
        schedules.create(self._schedules, self.tenant, schedule, definition, retention_days=90)
        return schedule

    def reconnect(self) -> None:
        """Makes new connections, once the server takes them again."""
        self.conn.close()
        self._schedules.close()
        self.conn = until(lambda: _connect(self.database), 30, self.logs)
        self._schedules = self._closing.enter_context(Database.at(self.database).connect("points"))

    def now(self) -> datetime:
        """Postgres's time in whole milliseconds."""
        return make.now(self.conn)

    def is_over(self) -> bool:
        """Whether every schedule had its run, and no run and no delivery is open."""
        return not make.value(self.conn, _OPEN)

    def until_over(self, seconds: float = 60.0) -> None:
        """Returns once all is over."""
        until(self.is_over, seconds, self.logs)

    def strike(self, role: str, name: str, nth: int, action: str, wanted: Sequence[str] = MIXED, **more: Any) -> bool:
        """Whether a process met the point for the nth time and was killed, stopped beyond its lease or drained there.

        Work comes, twenty schedules at a time, until it has; a stopped one goes on once it was declared lost.
        """
        doomed = self.start(role, FAULT=f"{name}:{nth}:{action}")
        began = datetime.now(UTC).timestamp()
        try:
            is_hit = self._until_hit(doomed, action, wanted, more)
            if is_hit:
                self._see_through(doomed, action)
        finally:
            doomed.kill()
        if is_hit:
            self.faults.append(Fault(began, datetime.now(UTC).timestamp(), f"{action} at {name}", role))
        return is_hit

    def judge(self, seed: int = 0) -> Verdict:
        """The verdict on all that happened here, once all is over."""
        mails = (event for event in read_sink(self.mails.folder) if event.recipient.endswith(f"@{self.domain}"))
        # One that was cut off before its Message-ID had arrived is nobody's.
        sink = [event for event in mails if event.key or event.phase == "kept"]
        sink += [event for event in read_sink(self.calls.folder) if event.recipient.rpartition("/")[2] in self.made]
        sink.sort(key=lambda event: event.at)
        starts = [start for start in read_starts(self.calls.folder) if start.schedule in self.made]
        history = read_history(
            self.database, sink=sink, starts=starts, faults=self.faults, seed=seed, grace_seconds=0.0
        )
        return judge(history, Limits(owed=self.owed))

    def logs(self) -> str:
        """The last lines of every process's log."""
        return "\n".join(f"--- {each.role} {each.pid}\n{each.log()[-3000:]}" for each in self.processes[-6:])

    def _due(self, kind: str, more: dict[str, Any]) -> UUID:
        recipients = more.get("recipients", 1) if kind == "chaos.mail" else 0
        to = [f"r{number}.{len(self.made)}@{self.domain}" for number in range(recipients)]
        rest = {name: value for name, value in more.items() if name != "recipients"}
        return self.make(kind, {"sink": self.calls.url, "to": to}, **rest)

    def _until_hit(self, doomed: Forked, action: str, wanted: Sequence[str], more: dict[str, Any]) -> bool:
        for _ in range(_BATCHES):
            self.due(wanted, **more)
            until(lambda: _is_hit(doomed, action) or not make.value(self.conn, _BUSY), 60, self.logs)
            if _is_hit(doomed, action):
                return True
        return False

    def _see_through(self, doomed: Forked, action: str) -> None:
        if action == "stop":
            until(lambda: make.value(self.conn, _LOST, doomed.pid), 20, self.logs)
            doomed.signal(signal.SIGCONT)
            doomed.until_says("lease.lost")
        elif action == "term":
            assert doomed.wait(25) == 0, doomed.log()
        else:
            assert doomed.wait() == -signal.SIGKILL, doomed.log()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self.processes:
            process.kill()
        self._closing.close()
        self.conn.close()


def _connect(database: str) -> make.Connection | None:
    try:
        return make.connect(database)
    except psycopg.OperationalError:
        return None


def _is_hit(doomed: Forked, action: str) -> bool:
    if doomed.status() is not None:
        return True
    if action == "term":
        return "draining" in doomed.log()
    with contextlib.suppress(FileNotFoundError):
        return action == "stop" and is_stopped(doomed.pid)
    return False
