"""`/api/alert-events`: what alerts and the rules of crews found, all in one list."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import alert_events, shapes
from api.alert_events import AlertEvent, AlertEventFilter
from api.paging import Cursor, Instant, Limit, page, place_of, room
from api.problems import answers, good
from api.request import Reader, answer

router = APIRouter(
    prefix="/api/alert-events", tags=["kpi alerts"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)

AlertEventList = shapes.list_of(shapes.model_of(AlertEvent, "ListedAlertEvent"), "ListedAlertEventList")


@router.get("", responses=good(200, AlertEventList))
def list_alert_events(
    asking: Reader,
    alert_id: Annotated[UUID | None, Query(alias="alertId", description="of this alert alone")] = None,
    run_id: Annotated[UUID | None, Query(alias="runId", description="that this run found, or a crew's calls")] = None,
    first_at: Annotated[Instant, Query(alias="from", description="slots at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="slots at this instant or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The events, those at the newest slots first: an alert's move, or a crew's answer in which its rule found something."""
    before = place_of(cursor, "alert-events", asking.tenant)
    wanted = AlertEventFilter(alert_id, run_id, first_at, last_at)
    with asking.listing() as conn:
        rows = alert_events.list_all(conn, asking.tenant, wanted, before=before, limit=room(limit))
    return answer(page(rows, limit, "alert-events", asking.tenant, lambda row: (row.slot_at, row.id), shapes.plain))
