"""What a chaos run happens in: real servers on loopback, sinks that witness, networks that fail, and full seats."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID, uuid4

import psycopg

from db import migrate
from db.pool import Database
from local import small_disk
from local.journal import machine_time
from local.machine import plain_environ
from local.mail import MailSink
from local.postgres import Postgres
from local.rabbitmq import RabbitMQ
from local.redis import Redis
from local.small_disk import SmallDisk
from proof.chaos import link
from proof.chaos.link import Link
from proof.chaos.plan import Scale, draw
from proof.chaos.seats import Seat
from proof.proxy import Proxy
from proof.sinks import CallSink
from scheduler import schedules

TICKERS, WORKERS = 2, 3
BROKERS = ("redis", "rabbitmq")
# Room for the WAL of hours, since Postgres keeps to much less, and little enough to be filled in memory.
_DISK_MEGABYTES = 1024
_SMALL_WAL = {"max_wal_size": "256MB", "wal_recycle": "off"}
# Even a busy machine makes more.
_MADE_A_SECOND = 100
_TENANT = "chaos"
_RETENTION_DAYS = 90
_OPEN = """
    select
        (select count(*) from runs where state in ('pending', 'queued', 'running'))
        + (select count(*) from deliveries where state in ('pending', 'sending'))
        + (select count(*) from schedules where status = 'active' and next_fire_at is not null)
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """How the processes are set up: the lease in seconds, and how long the sinks wait before they answer.

    `late_seconds` after its slot a start is late, the time of faults not counted.

    `broker` rings the bell.

    The rest is for tests of the judge, which plant bugs: what Python is told before a process's module, settings of
    Postgres, what is done to the database once its schema is there, how long processes have to boot before the first
    slot, and how long what is open at the end may take (None: as long as it takes to heal at this lease).
    """

    lease_seconds: float = 3.0
    mail_delay_ms: int = 0
    threads: int = 8
    late_seconds: float = 5.0
    broker: Literal["redis", "rabbitmq"] = "redis"
    launcher: Sequence[str] = ("-m",)
    postgres_settings: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[psycopg.Connection[Any]], None] = lambda _: None
    head_start_seconds: float = 5.0
    patience_seconds: float | None = None


class World:
    """Everything started in order and stopped in reverse. The last ticker and worker reach the servers by proxies.

    They are on a network of their own, and the WAL lies on a small disk, where the machine can have such things.
    """

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.folder = folder
        self.setup = setup
        self.seats: list[Seat] = []
        self.schedules: list[UUID] = []
        self.tenant: UUID
        self.url = ""
        self.link: Link | None = None
        self.disk: SmallDisk | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            self._start(closing)
            self._closing = closing.pop_all()
        return self

    def _start(self, closing: ExitStack) -> None:
        host = "127.0.0.1"
        if not link.lacks():
            self.link = closing.enter_context(Link())
            host = self.link.host
        settings = {"max_connections": "300"}
        if not small_disk.lacks():
            self.disk = closing.enter_context(SmallDisk(_DISK_MEGABYTES))
            settings |= _SMALL_WAL
        self.postgres = closing.enter_context(
            Postgres(
                settings=settings | dict(self.setup.postgres_settings),
                wal=self.disk.folder / "wal" if self.disk else None,
            )
        )
        self.broker: Redis | RabbitMQ
        if self.setup.broker == "rabbitmq":
            self.broker = closing.enter_context(RabbitMQ())
        else:
            self.broker = closing.enter_context(Redis(settings={"enable-debug-command": "yes"}))
        delay_ms = self.setup.mail_delay_ms
        self.calls = closing.enter_context(CallSink(self.folder / "calls", host=host, delay_ms=delay_ms))
        self.mails = closing.enter_context(MailSink(self.folder / "mails", events=True, files=False, delay_ms=delay_ms))
        self.url = self.postgres.create_database("chaos")
        migrate.migrate(Database.at(self.url))
        with self.connect() as conn:
            self.setup.prepare(conn)
        self.far_postgres = closing.enter_context(Proxy(self.url, host))
        self.far_broker = closing.enter_context(Proxy(self.broker.url, host))
        self.mail_way = closing.enter_context(Proxy(self.mails.url, host))
        closing.callback(self._empty_seats)

    @property
    def redis(self) -> Redis:
        """The broker, where it is Redis."""
        assert isinstance(self.broker, Redis)
        return self.broker

    @property
    def rabbitmq(self) -> RabbitMQ:
        """The broker, where it is RabbitMQ."""
        assert isinstance(self.broker, RabbitMQ)
        return self.broker

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the nemesis's own."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5)

    def make_schedules(self, scale: Scale) -> datetime:
        """Makes the schedules of the scale; returns the instant at which the last of them is over."""
        head_start = self.setup.head_start_seconds + scale.schedules / _MADE_A_SECOND
        starts_at = datetime.fromtimestamp(round(machine_time() + head_start), UTC)
        with Database.at(self.url).connect("chaos") as conn:
            row = conn.execute(
                "insert into tenants (slug, name) values (%s, 'Chaos') returning id", (_TENANT,)
            ).fetchone()
            assert row
            self.tenant = row[0]
            for new in draw(scale, self.calls.url, starts_at):
                made = schedules.create(conn, self.tenant, uuid4(), new, retention_days=_RETENTION_DAYS)
                self.schedules.append(made.id)
        return starts_at + timedelta(seconds=scale.seconds)

    def take_seats(self) -> None:
        """Starts the tickers and workers."""
        near = self._environ(self.url, self.broker.url), ()
        far = self._environ(self.far_postgres.url, self.far_broker.url), self.link.prefix if self.link else ()
        for role, count in (("ticker", TICKERS), ("worker", WORKERS)):
            for number in range(1, count + 1):
                environ, prefix = far if number == count else near
                seat = Seat(f"{role}-{number}", environ, self.folder / "log", self.setup.launcher, prefix)
                self.seats.append(seat)
                seat.fill()

    def fill_seats(self) -> int:
        """Starts a new process where one ended; returns how many did."""
        empty = [seat for seat in self.seats if seat.is_empty()]
        for seat in empty:
            seat.wait()
            seat.fill()
        return len(empty)

    def wait_until_up(self, seconds: float) -> None:
        """Returns once every process has started. Raises RuntimeError when one ends before, or takes longer."""
        until = time.monotonic() + seconds
        while waiting := [seat for seat in self.seats if not seat.is_up()]:
            if waiting[0].is_empty() or time.monotonic() > until:
                raise RuntimeError(f"{waiting[0].name} did not start:\n{waiting[0].log_end()}")
            time.sleep(0.05)

    def heal(self) -> None:
        """Puts the networks, the disk and the servers right."""
        if self.link:
            self.link.heal()
        if self.disk:
            self.disk.clear()
        for proxy in (self.far_postgres, self.far_broker, self.mail_way):
            proxy.cut_after = proxy.cut_before_reply = None
            proxy.latency_seconds = 0.0
            proxy.release()
        self.postgres.start()
        self.broker.start()

    def wait_until_over(self, until: datetime, patience_seconds: float, look: Callable[[], None]) -> bool:
        """True once nothing is open any more; False when that took `patience_seconds` longer than `until`."""
        last = until.timestamp() + patience_seconds
        while machine_time() < last:
            self.fill_seats()
            look()
            try:
                with self.connect() as conn:
                    row = conn.execute(_OPEN).fetchone()
            except psycopg.OperationalError:
                row = None
            if row is not None and row[0] == 0:
                return True
            time.sleep(0.5)
        return False

    def _environ(self, postgres: str, broker: str) -> Mapping[str, str]:
        return plain_environ() | {
            "DATABASE_URL": postgres,
            "BROKER_URL": broker,
            "MAIL_URL": self.mail_way.url,
            "MAIL_FROM": "Chaos <chaos@chaos.example>",
            "TOCSIN_KINDS": "proof.chaos.kinds:WORK,proof.chaos.kinds:MAIL,proof.chaos.kinds:CALL",
            "TOCSIN_LEASE_SECONDS": json.dumps(self.setup.lease_seconds),
            "WORKER_THREADS": str(self.setup.threads),
            "LOG_LEVEL": "info",
            "LOG_FORMAT": "text",
        }

    def _empty_seats(self) -> None:
        for seat in self.seats:
            seat.kill()
