"""Where scenarios happen: a chaos run's world with as many processes as wanted, near their servers, under a steady load."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from db.pool import Database
from local.journal import machine_time
from proof.chaos.kinds import OWED
from proof.chaos.seats import Seat
from proof.chaos.world import Setup, World
from proof.invariants.case import Limits
from proof.oracle import TOLERANCE
from proof.read import read_history
from proof.records import Fault, History
from proof.scenarios.load import Load
from proof.sinks import read_sink, read_starts
from proof.verdict import Verdict, judge
from scheduler import schedules

BOOT_SECONDS = 60.0
_A_SECOND = 400
_RETENTION_DAYS = 90
# A lease runs out, it is found lost, its runs are rung, and a process boots.
_RECOVER_LEASES, _RECOVER_SECONDS = 1.5, 10.0


class Ground(World):
    """A world whose seats all reach the servers directly; with `is_far` the last of each role do as in a chaos run."""

    def __init__(self, folder: Path, setup: Setup, tickers: int = 2, workers: int = 3, *, is_far: bool = False) -> None:
        super().__init__(folder, setup)
        self._counts = {"ticker": tickers, "worker": workers}
        self._is_far = is_far
        self.faults: list[Fault] = []

    def take_seats(self) -> None:
        """Starts the tickers and workers, and returns once they have started."""
        near = self.near()
        far = self._environ(self.far_postgres.url, self.far_broker.url)
        for role, count in self._counts.items():
            for number in range(1, count + 1):
                is_far = self._is_far and number == count
                prefix = self.link.prefix if is_far and self.link else ()
                seat = Seat(f"{role}-{number}", far if is_far else near, self.folder / "log", prefix=prefix)
                self.seats.append(seat)
                seat.fill()
        self.wait_until_up(BOOT_SECONDS)

    def near(self) -> Mapping[str, str]:
        """The environment of a process that reaches the servers directly."""
        return self._environ(self.url, self.broker.url)

    def of(self, role: str) -> list[Seat]:
        """The seats of that role."""
        return [seat for seat in self.seats if seat.role == role]

    def offer(self, *loads: Load) -> float:
        """Makes the schedules of the loads; returns the instant of their first slots."""
        head_start = 2.0 + sum(load.count for load in loads) / _A_SECOND
        starts_at = datetime.fromtimestamp(round(machine_time() + head_start), UTC)
        with Database.at(self.url).connect("chaos") as conn, conn.transaction():
            if not self.schedules:
                self.tenant = _new_tenant(conn)
            for load in loads:
                for new in load.schedules(self.calls.url, starts_at):
                    made = schedules.create(conn, self.tenant, uuid4(), new, retention_days=_RETENTION_DAYS)
                    self.schedules.append(made.id)
        return starts_at.timestamp()

    def close_load(self) -> None:
        """Pauses every schedule: no slot comes any more.

        Not before peace has lasted for so long that all slots but the last few seconds' must have been decided.
        """
        sleep_until(max((fault.ended for fault in self.faults), default=0.0) + TOLERANCE + 1)
        with Database.at(self.url).connect("chaos") as conn:
            for schedule in self.schedules:
                if schedules.get(conn, self.tenant, schedule).status == "active":
                    schedules.pause(conn, self.tenant, schedule, "over")

    @contextmanager
    def fault(self, name: str, target: str) -> Iterator[None]:
        """Keeps what happens in the block as one fault."""
        began = machine_time()
        try:
            yield
        finally:
            self.faults.append(Fault(began, machine_time(), name, target))

    def wait_until_idle(self, patience_seconds: float, until: float | None = None) -> bool:
        """Heals, and says whether everything came to an end so soon after `until`, which is now where it is not told."""
        self.heal()
        over_at = datetime.fromtimestamp(until or machine_time(), UTC)
        return self.wait_until_over(over_at, patience_seconds, lambda: None)

    def history(self) -> History:
        """All that happened here."""
        sink = [*read_sink(self.calls.folder), *read_sink(self.mails.folder)]
        sink.sort(key=lambda event: event.at)
        starts = read_starts(self.calls.folder)
        return read_history(self.url, sink=sink, starts=starts, faults=self.faults, grace_seconds=0.0)

    def judge(self, history: History) -> Verdict:
        """The verdict on it."""
        recover = _RECOVER_LEASES * self.setup.lease_seconds + _RECOVER_SECONDS
        return judge(history, Limits(self.setup.late_seconds, recover, owed=OWED))


def sleep_until(instant: float) -> None:
    """Returns at that instant of the machine's clock, or at once when it has passed."""
    time.sleep(max(0.0, instant - machine_time()))


def process_of(conn: psycopg.Connection[tuple[object, ...]], seat: Seat) -> str:
    """The identity under which the seat's process holds its leases."""
    row = conn.execute(
        "select id from processes where pid = %s and role = %s order by started_at desc limit 1", (seat.pid, seat.role)
    ).fetchone()
    assert row
    return str(row[0])


def _new_tenant(conn: psycopg.Connection[tuple[object, ...]]) -> UUID:
    row = conn.execute("insert into tenants (slug, name) values ('chaos', 'Chaos') returning id").fetchone()
    assert row
    assert isinstance(row[0], UUID)
    return row[0]
