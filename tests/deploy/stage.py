"""Web, ticker and worker, watched by a real Prometheus, and the faults by which each alert is made to fire."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg

from config.seal import Seal
from db.jsonb import Jsonb
from db.migrate import register
from local.mail import MailSink
from local.postgres import Postgres
from local.processes import free_port
from local.redis import Redis
from scheduler.asked import run_now
from tests import make
from tests.crew import endpoint, open_crew, users
from tests.deploy.prometheus import Prometheus
from tests.flow.world import KEY, World
from tests.system import Process, System, until


@dataclass
class Stage:
    """A system at work, and who watches it."""

    world: World
    prometheus: Prometheus
    web: Process
    ticker: Process
    workers: list[Process]
    # A port that is scraped as a worker's and nobody listens on.
    spare: list[int]
    closing: list[Any] = field(default_factory=list)

    @property
    def system(self) -> System:
        """The processes."""
        return self.world.system

    def reject(self, count: int = 4) -> None:
        """So many runs that fail for good."""
        for number in range(count):
            self.system.schedule(kind="test.reject", params=Jsonb({"file": str(self.system.folder / f"r{number}")}))

    def mail_to(self, *recipients: str) -> None:
        """A mail to each; the server refuses 550@example.com, and 550+1@example.com likewise."""
        self.system.schedule(kind="test.mail", params=Jsonb({"to": list(recipients)}))

    def refuse_mails(self) -> None:
        """Three mails that the server refuses for good."""
        self.mail_to(*(f"550+{number}@example.com" for number in range(3)))

    def mail_to_nobody(self) -> None:
        """A mail that its server takes from nobody for now."""
        self.mail_to("451@example.com")

    def strand(self) -> None:
        """A run of a kind that no worker knows."""
        self.system.schedule(kind="nobody.knows")

    def crew_goes_down(self) -> None:
        """An endpoint that answers nothing but errors, and forty users to ask it about."""
        conn, tenant = self.system.conn, self.system.tenant
        users(conn, tenant, 40)
        crew = open_crew()
        found = crew.__enter__()
        self.closing.append(crew)
        found.is_down = True
        endpoint(conn, tenant, found.url, concurrency=10)
        run_now(conn, tenant, self.world.schedule("crew.call", {}))

    def worker_dies(self) -> None:
        """Every worker is killed, with a run in its hands."""
        file = self.system.folder / "held"
        self.system.schedule(kind="test.wait", params=Jsonb({"file": str(file), "seconds": 60.0}))
        until(file.exists, why=self.system.logs)
        for worker in self.workers:
            worker.kill()

    def herd(self, count: int) -> None:
        """So many more runs, that nobody takes."""
        for _ in range(count):
            make.schedule(self.system.conn, self.system.tenant)
        self.system.notify()

    def hold_transaction(self) -> None:
        """A session that was forgotten amid a transaction."""
        forgotten = psycopg.connect(self.system.database)
        forgotten.execute("select 1")
        self.closing.append(forgotten)

    def burn_transactions(self, count: int) -> None:
        """So many transactions, of which none is frozen."""
        statement = "do $$ begin for i in 1..%s loop begin perform pg_current_xact_id(); commit; end; end loop; end $$"
        self.system.conn.execute(statement % count)

    def old_zones(self, port: int) -> Process:
        """A worker whose time zones are of a release that has expired."""
        folder = self.system.folder / "old"
        package = shutil.copytree(str(files("tzdata")), folder / "tzdata")
        seconds = package / "zoneinfo" / "leapseconds"
        text = seconds.read_text().splitlines(keepends=True)
        seconds.write_text(
            "".join("#expires 1687910400 (2023-06-28)\n" if each.startswith("#expires") else each for each in text)
        )
        path = f"{folder}:{self.system._environ['PYTHONPATH']}"
        return self.system.worker(METRICS_PORT=str(port), PYTHONPATH=path)

    def ticker_dies(self) -> None:
        """The ticker is killed; a schedule that was due stays so, and one owes something soon."""
        self.ticker.signal(signal.SIGKILL)
        self.ticker.wait()
        now = make.now(self.system.conn)
        make.schedule(self.system.conn, self.system.tenant)
        make.schedule(
            self.system.conn,
            self.system.tenant,
            interval_seconds=3600,
            deliver_within_seconds=1,
            interval_anchor=now - timedelta(seconds=3598),
            plan_from=now,
            next_fire_at=now + timedelta(seconds=2),
        )


@contextmanager
def open_stage(
    postgres: Postgres, template: str, mail: MailSink, folder: Path, rules: str, seconds: float, **environ: str
) -> Iterator[Stage]:
    """Web, ticker and worker with a port for metrics each, and a spare port in the worker's role."""
    url = postgres.create_database("watched", template=template)
    with make.connect(url) as conn:
        register(conn)
    web, ticker, worker, spare = (free_port() for _ in range(4))
    told = {
        "MAIL_URL": mail.url,
        "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8",
        "TOCSIN_SECRET_KEYS": KEY,
        "TOCSIN_URL": "https://tocsin.example",
    }
    ports = {"web": [web], "ticker": [ticker], "worker": [worker, spare]}
    with (
        Redis() as redis,
        System(url, redis.url, folder, **(told | environ)) as system,
        Prometheus(folder, ports, rules, seconds) as prometheus,
        make.connect(url) as figures,
    ):
        # Started side by side.
        stage = Stage(
            World(system, mail, figures, url, Seal((KEY,))),
            prometheus,
            system.start("api", PORT="0", METRICS_PORT=str(web)),
            system.ticker(wait=False, METRICS_PORT=str(ticker)),
            # Two processes behind one port, whose counts are one.
            [system.worker(wait=False, METRICS_PORT=str(worker), WORKER_PROCESSES="2")],
            [spare],
        )
        for process, event in ((stage.web, "web"), (stage.ticker, "ticker"), (stage.workers[0], "worker")):
            process.until_says(f"{event}.started", 60)
        try:
            yield stage
        finally:
            for each in reversed(stage.closing):
                each.__exit__(None, None, None)
    postgres.drop_database("watched")
