"""Alert events: how the states of alerts moved, and in whose answers the rule of a crew found something."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query


class AlertEvent(NamedTuple):
    """An event of an alert, or of a crew's answer, whose segment is the user's uid."""

    id: UUID
    alert_id: UUID | None
    response_id: UUID | None
    crew_run_id: UUID | None
    run_id: UUID
    segment: str
    previous_state: str
    state: str
    value: Decimal | None
    reason: str
    slot_at: datetime
    created_at: datetime


class AlertEventFilter(NamedTuple):
    """Which events are listed; None asks nothing. Both instants are included."""

    alert_id: UUID | None = None
    run_id: UUID | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


LIST = Query("list_alert_events_of_tenant", AlertEvent)


def list_all(
    conn: Connection,
    tenant_id: UUID,
    wanted: AlertEventFilter,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[AlertEvent]:
    """The tenant's events, those at the newest slots first."""
    return LIST.all(conn, tenant_id=tenant_id, before_at=before[0], before_id=before[1], room=limit, **wanted._asdict())
