"""The dead-man's switches: what is due and not delivered in time is late, by Postgres's clock and by what it holds alone.

Tickers and web processes judge them alike, each watch by one of them, so that neither planning nor work has to go on.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query
from telemetry import metrics
from telemetry.log import Events

events = Events("watch")


class Judged(NamedTuple):
    """A schedule that is late since now, for which slot; or that arrived, with which one; and how many were told."""

    schedule_id: UUID
    is_late: bool
    is_arrived: bool
    slot_at: datetime
    notices: int


LOOK = Query("look_at_watches", Judged)


def look(conn: Connection) -> int:
    """Judges the watches whose time has come; returns how many schedules became late or arrived."""
    found = LOOK.all(conn)
    for row in found:
        if row.is_arrived:
            events.info("schedule.arrived", schedule_id=row.schedule_id, slot_at=row.slot_at)
        if row.is_late:
            metrics.late_schedules.inc()
            events.error("schedule.late", schedule_id=row.schedule_id, slot_at=row.slot_at)
    return len(found)
