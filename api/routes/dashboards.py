"""`/api/dashboards`: graphs in an order."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api import dashboards, shapes
from api.dashboards import DASHBOARDS, Dashboard, DashboardIn, DashboardPatch
from api.paging import Cursor, Limit
from api.problems import answers, good, makes
from api.request import Editor, Maker, Reader

router = APIRouter(prefix="/api/dashboards", tags=["dashboards"], responses=answers(400, 401, 403, 404, 422, 429, 503))

DashboardOut = shapes.model_of(Dashboard, "Dashboard")
DashboardList = shapes.list_of(DashboardOut, "DashboardList")


@router.get("", responses=good(200, DashboardList))
def list_dashboards(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The dashboards, newest first."""
    return DASHBOARDS.answer_list(asking, limit, cursor)


@router.post("", status_code=201, responses=makes(DashboardOut))
def create_dashboard(asking: Maker, body: DashboardIn) -> Response:
    """Makes a dashboard of graphs."""
    return DASHBOARDS.create(asking, lambda conn: dashboards.create(conn, asking.tenant, body))


@router.get("/{dashboard_id}", responses=good(200, DashboardOut))
def get_dashboard(asking: Reader, dashboard_id: UUID) -> Response:
    """One dashboard."""
    return DASHBOARDS.answer_one(asking, dashboard_id)


@router.patch("/{dashboard_id}", responses=good(200, DashboardOut, 412))
def edit_dashboard(asking: Editor, dashboard_id: UUID, body: DashboardPatch) -> Response:
    """Changes a dashboard."""
    return DASHBOARDS.edit(asking, dashboard_id, lambda conn, row: dashboards.edit(conn, asking.tenant, row, body))


@router.delete("/{dashboard_id}", status_code=204, responses=answers(409, 412))
def delete_dashboard(asking: Editor, dashboard_id: UUID) -> Response:
    """Deletes a dashboard that no alert sends."""
    return DASHBOARDS.remove(asking, dashboard_id)
