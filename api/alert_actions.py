"""What somebody does about an alert without a mail's link: acknowledges its firing, or snoozes it for a while."""

from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api import shapes
from api.actions import SNOOZE
from api.definitions import Line
from api.kpi_alert_rows import KpiAlert
from api.kpi_alerts import KPI_ALERTS
from api.request import Asked, Change
from db.pool import Connection
from db.query import Query
from scheduler.refusals import WrongState

_FIRES = frozenset({"firing", "recovering"})


class AcknowledgeIn(BaseModel):
    """Of which segment's firing somebody knows; of all where none is named."""

    model_config = ConfigDict(extra="forbid")

    segment: Line | None = None


class SnoozeIn(BaseModel):
    """For how long nobody is told."""

    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[int, Field(strict=True, ge=60, le=30 * 86400)] = int(SNOOZE.total_seconds())


class Acted(NamedTuple):
    """What was done: until when a snooze holds, None of an acknowledgement, which holds as long as its firing."""

    action: str
    segment: str
    until: datetime | None
    created_at: datetime


INSERT = Query("insert_alert_action", Acted)


def acknowledge(asking: Asked, conn: Connection, alert_id: UUID, body: AcknowledgeIn) -> Change:
    """Its reminders stop until it is over. Raises NotFound, and WrongState for one that does not fire."""
    alert = KPI_ALERTS.get(conn, asking.tenant, alert_id)
    return change_of(alert_id, acknowledged(conn, asking.tenant, alert, body, by=asking.author.who))


def snooze(asking: Asked, conn: Connection, alert_id: UUID, body: SnoozeIn) -> Change:
    """Nobody is told for so long; what fires still is told then. Raises NotFound."""
    alert = KPI_ALERTS.get(conn, asking.tenant, alert_id)
    return change_of(alert_id, snoozed(conn, asking.tenant, alert, body, by=asking.author.who))


def acknowledged(conn: Connection, tenant_id: UUID, alert: KpiAlert, body: AcknowledgeIn, *, by: str | None) -> Acted:
    """The acknowledgement, kept. Raises WrongState for an alert that does not fire."""
    if alert.state not in _FIRES:
        raise WrongState(f"the alert {alert.name!r} does not fire, so there is nothing to acknowledge")
    told = {"tenant_id": tenant_id, "alert_id": alert.id, "acted_by": by}
    return INSERT.all(conn, action="acknowledge", segment=body.segment or "", seconds=None, **told)[0]


def snoozed(conn: Connection, tenant_id: UUID, alert: KpiAlert, body: SnoozeIn, *, by: str | None) -> Acted:
    """The snooze, kept."""
    told = {"tenant_id": tenant_id, "alert_id": alert.id, "acted_by": by}
    return INSERT.all(conn, action="snooze", segment="", seconds=body.seconds, **told)[0]


def change_of(alert_id: UUID, made: Acted) -> Change:
    """What the audit log and the caller are told."""
    done = {"acknowledge": "acknowledged", "snooze": "snoozed"}[made.action]
    after = {"segment": made.segment, "until": made.until}
    return Change(f"kpi_alert.{done}", ("kpi_alert", alert_id), None, after, shapes.plain(made))
