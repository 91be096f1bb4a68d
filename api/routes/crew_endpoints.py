"""`/api/crew-endpoints`: what is asked about users."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api import crew_endpoints, shapes
from api.crew_endpoints import ENDPOINTS, CrewEndpoint, CrewEndpointIn, CrewEndpointPatch
from api.paging import Cursor, Limit
from api.problems import answers, good
from api.request import Editor, Reader

router = APIRouter(prefix="/api/crew-endpoints", tags=["crew"], responses=answers(400, 401, 403, 404, 422, 429, 503))

CrewEndpointOut = shapes.model_of(CrewEndpoint, "CrewEndpoint")
CrewEndpointList = shapes.list_of(CrewEndpointOut, "CrewEndpointList")


@router.get("", responses=good(200, CrewEndpointList))
def list_crew_endpoints(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The endpoints, newest first, and whether their circuits are open."""
    return ENDPOINTS.answer_list(asking, limit, cursor)


@router.post("", status_code=201, responses=good(201, CrewEndpointOut, 409))
def create_crew_endpoint(asking: Editor, body: CrewEndpointIn) -> Response:
    """Makes an endpoint; nobody calls it before a crew does."""
    seal = asking.web.seal
    return ENDPOINTS.create(asking, lambda conn: crew_endpoints.create(conn, asking.tenant, body, seal))


@router.get("/{endpoint_id}", responses=good(200, CrewEndpointOut))
def get_crew_endpoint(asking: Reader, endpoint_id: UUID) -> Response:
    """One endpoint."""
    return ENDPOINTS.answer_one(asking, endpoint_id)


@router.patch("/{endpoint_id}", responses=good(200, CrewEndpointOut, 409, 412))
def edit_crew_endpoint(asking: Editor, endpoint_id: UUID, body: CrewEndpointPatch) -> Response:
    """Changes an endpoint; it holds for calls from now on."""
    seal = asking.web.seal
    return ENDPOINTS.edit(
        asking, endpoint_id, lambda conn, row: crew_endpoints.edit(conn, asking.tenant, row, body, seal)
    )


@router.delete("/{endpoint_id}", status_code=204, responses=answers(412))
def delete_crew_endpoint(asking: Editor, endpoint_id: UUID) -> Response:
    """Deletes an endpoint; calls that wait for it are passed over."""
    return ENDPOINTS.remove(asking, endpoint_id)
