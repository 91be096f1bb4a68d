"""What a story is told with: schedules made as users make them, slots that come one by one, history as it was written."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from api.definitions import create_schedule, read_schedule
from api.sources import create_source
from config.seal import Seal
from local.mail import MailSink
from scheduler import runs
from tests.alerts import make_alert
from tests.system import System, until
from workers.kinds import KINDS


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
        conn = self.system.conn
        before = self.runs(schedule_id)
        # The interval's anchor moves back, so that its next slot is now; no clock is touched.
        conn.execute(
            "update schedules set interval_anchor = date_trunc('milliseconds', clock_timestamp()) "
            "- make_interval(secs => interval_seconds), next_fire_at = date_trunc('milliseconds', clock_timestamp()) "
            "where id = %s",
            (schedule_id,),
        )
        self.system.notify()
        until(lambda: len(self.runs(schedule_id)) > len(before), why=self.system.logs)
        until(lambda: self.runs(schedule_id)[-1]["state"] not in ("pending", "queued", "running"), why=self.system.logs)
        return self.runs(schedule_id)[-1]

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
