"""`/api/graphs`: named queries on sources, with what their columns mean."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api import graphs, shapes
from api.graphs import GRAPHS, Graph, GraphIn, GraphPatch
from api.paging import Cursor, Limit
from api.problems import answers, good, makes
from api.request import Editor, Maker, Reader

router = APIRouter(prefix="/api/graphs", tags=["graphs"], responses=answers(400, 401, 403, 404, 422, 429, 503))

GraphOut = shapes.model_of(Graph, "Graph")
GraphList = shapes.list_of(GraphOut, "GraphList")


@router.get("", responses=good(200, GraphList))
def list_graphs(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The graphs, newest first."""
    return GRAPHS.answer_list(asking, limit, cursor)


@router.post("", status_code=201, responses=makes(GraphOut))
def create_graph(asking: Maker, body: GraphIn) -> Response:
    """Makes a graph; nothing is asked of its source yet."""
    return GRAPHS.create(asking, lambda conn: graphs.create(conn, asking.tenant, body))


@router.get("/{graph_id}", responses=good(200, GraphOut))
def get_graph(asking: Reader, graph_id: UUID) -> Response:
    """One graph."""
    return GRAPHS.answer_one(asking, graph_id)


@router.patch("/{graph_id}", responses=good(200, GraphOut, 412))
def edit_graph(asking: Editor, graph_id: UUID, body: GraphPatch) -> Response:
    """Changes a graph; alerts judge by it from their next slot on."""
    return GRAPHS.edit(asking, graph_id, lambda conn, row: graphs.edit(conn, asking.tenant, row, body))


@router.delete("/{graph_id}", status_code=204, responses=answers(409, 412))
def delete_graph(asking: Editor, graph_id: UUID) -> Response:
    """Deletes a graph that nothing shows."""
    return GRAPHS.remove(asking, graph_id)
