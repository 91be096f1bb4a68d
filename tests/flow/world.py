"""What a story is told with: schedules made as users make them, slots that come one by one, history as it was written."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import psycopg.rows

from api.definitions import create_schedule, read_schedule
from api.sources import create_source
from config.seal import Seal
from local.mail import MailSink
from local.postgres import Postgres
from scheduler import runs
from tests.alerts import make_alert
from tests.system import System, until
from workers.kinds import KINDS

KEY = base64.b64encode(b"k" * 32).decode()
OPEN = ("pending", "queued", "running")


@dataclass
class World:
    """A running system, and the outside world that it looks at and tells."""

    system: System
    mail: MailSink
    figures: psycopg.Connection
    own_database: str
    seal: Seal

    def source(self, name: str) -> None:
        """A source on the tenant's own database."""
        create_source(self.system.conn, self.system.tenant, name, "postgres", self.own_database, self.seal)

    def schedule(self, kind: str, params: dict[str, Any], **more: Any) -> UUID:
        """A schedule of the kind, made as the API makes it; every hour unless told otherwise."""
        body = {"jobType": kind, "jobPayload": params, "intervalSeconds": 3600} | more
        made = create_schedule(
            self.system.conn, self.system.tenant, read_schedule(body), kinds=KINDS, seal=self.seal, retention_days=90
        )
        return made.id

    def alert(self, body: dict[str, Any], **more: Any) -> UUID:
        """The schedule of a KPI alert on a graph of its own; every hour unless told otherwise."""
        of_schedule = {"intervalSeconds": 3600} | more
        return make_alert(self.system.conn, self.system.tenant, body, **of_schedule).schedule_id

    def next_slot(self, schedule_id: UUID) -> dict[str, Any]:
        """Lets the schedule's next slot come now and returns its run once it is over, as history holds it."""
        return self.next_slots([schedule_id])[schedule_id]

    def next_slots(self, schedule_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        """Lets the next slots of several schedules come now, at one instant, and returns their runs likewise."""
        before = {each: len(self.runs(each)) for each in schedule_ids}
        self.come(schedule_ids)
        return {each: self.ended(each, before[each] + 1)[-1] for each in schedule_ids}

    def come(self, schedule_ids: Sequence[UUID]) -> None:
        """Lets the next slots of several schedules come now."""
        # The interval's anchor moves back, so that its next slot is now; no clock is touched.
        self.system.conn.execute(
            "update schedules set interval_anchor = date_trunc('milliseconds', statement_timestamp()) "
            "- make_interval(secs => interval_seconds), next_fire_at = date_trunc('milliseconds', statement_timestamp()) "
            "where id = any(%s)",
            (list(schedule_ids),),
        )
        self.system.notify()

    def ended(self, schedule_id: UUID, count: int, timeout: float = 20.0) -> list[dict[str, Any]]:
        """The schedule's runs, once there are so many and none of them is open."""

        def found() -> list[dict[str, Any]] | None:
            runs = self.runs(schedule_id)
            is_over = len(runs) >= count and not [run for run in runs if run["state"] in OPEN]
            return runs if is_over else None

        return until(found, timeout, why=self.system.logs)

    def runs(self, schedule_id: UUID) -> list[dict[str, Any]]:
        """The schedule's runs, oldest first."""
        return self.all(
            "select id, slot_at, state, attempt, outcome, error from runs where schedule_id = %s order by slot_at",
            schedule_id,
        )

    def attempts(self, run_id: UUID) -> list[str]:
        """The outcomes of a run's attempts, oldest first."""
        return [attempt.outcome for attempt in runs.show(self.system.conn, self.system.tenant, run_id).attempts]

    def until_delivered(self, run_id: UUID) -> list[dict[str, Any]]:
        """The run's deliveries, once none is open."""
        statement = "select recipient, state, error, attempts from deliveries where run_id = %s order by recipient"
        until(
            lambda: not [each for each in self.all(statement, run_id) if each["state"] in ("pending", "sending")],
            why=self.system.logs,
        )
        return self.all(statement, run_id)

    def all(self, statement: Any, *params: Any) -> list[dict[str, Any]]:
        """The rows that a statement answers."""
        with self.system.conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(statement, params).fetchall()


@contextmanager
def open_world(
    database: str, broker: str, mail: MailSink, postgres: Postgres, folder: Path, **environ: str
) -> Iterator[World]:
    """One ticker and one worker at work, a tenant, and a database of the tenant's own with one figure in it."""
    name = f"own_{uuid4().hex}"
    own = postgres.create_database(name)
    with (
        psycopg.connect(own, autocommit=True) as figures,
        System(
            database,
            broker,
            folder,
            MAIL_URL=mail.url,
            MAIL_FROM="Tocsin <tocsin@example.com>",
            TOCSIN_EGRESS_ALLOW="127.0.0.0/8",
            TOCSIN_SECRET_KEYS=KEY,
            **{"TOCSIN_URL": "https://tocsin.example", "ARTIFACT_URL": f"file://{folder}/files"} | environ,
        ) as system,
    ):
        figures.execute("create table figure as select 100::numeric as value")
        system.ticker()
        system.worker()
        yield World(system, mail, figures, own, Seal((KEY,)))
    postgres.drop_database(name)
