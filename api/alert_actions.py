"""What somebody does about an alert without a mail's link: acknowledges its firing, or snoozes it for a while."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api import shapes
from api.actions import SNOOZE
from api.definitions import Line
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
    if alert.state not in _FIRES:
        raise WrongState(f"the alert {alert.name!r} does not fire, so there is nothing to acknowledge")
    return _kept(asking, conn, alert_id, "acknowledge", segment=body.segment or "", seconds=None)


def snooze(asking: Asked, conn: Connection, alert_id: UUID, body: SnoozeIn) -> Change:
    """Nobody is told for so long; what fires still is told then. Raises NotFound."""
    KPI_ALERTS.get(conn, asking.tenant, alert_id)
    return _kept(asking, conn, alert_id, "snooze", segment="", seconds=body.seconds)


def _kept(asking: Asked, conn: Connection, alert_id: UUID, action: str, **what: Any) -> Change:
    told = {"tenant_id": asking.tenant, "alert_id": alert_id, "acted_by": asking.author.who, **what}
    made = INSERT.all(conn, action=action, **told)[0]
    done = {"acknowledge": "acknowledged", "snooze": "snoozed"}[action]
    after = {"segment": made.segment, "until": made.until}
    return Change(f"kpi_alert.{done}", ("kpi_alert", alert_id), None, after, shapes.plain(made))
