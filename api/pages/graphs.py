"""`/graphs`: a query of a source and how its figures are meant; its page shows them as a chart and as rows."""

from typing import get_args
from uuid import UUID

from fastapi.responses import Response

from api import graph_previews
from api.charts import figures
from api.graphs import GraphIn, GraphPatch
from api.pages.page import EditorPage, told
from api.pages.rooms import Field, Room, names_of, routes
from api.routes import graphs, sources
from workers.sources import Grain

_FORMATS = ("number", "percent", "duration", "bytes")

ROOM = Room(
    path="/graphs",
    title="Graphs",
    one="graph",
    note="A query of a source, and how its figures are meant. Alerts watch graphs, dashboards and reports show them.",
    empty="A graph is one query of a source: what alerts watch and reports show. It needs a source first.",
    columns={"Name": "name", "What it is about": "description", "Unit": "unit", "Every": "grain", "Since": "createdAt"},
    listed=graphs.list_graphs,
    got=graphs.get_graph,
    made=graphs.create_graph,
    taken=GraphIn,
    edited=graphs.edit_graph,
    patched=GraphPatch,
    deleted=graphs.delete_graph,
    show="graphs/one.html.j2",
    beside=lambda page, row: {
        "names": {row["sourceId"]: told(sources.get_source(page.asking, row["sourceId"]))["name"]}
    },
    fields=(
        Field("name", "Name", required=True),
        Field("description", "What it is about"),
        Field("sourceId", "Source", "choice", choices=names_of(sources.list_sources), required=True),
        Field(
            "query",
            "Query",
            "textarea",
            "In the source's own words: SQL, PromQL, JMESPath, or a Cube query in JSON. $start, $end and $slot stand for times.",
            rows=8,
            required=True,
        ),
        Field(
            "valueColumn",
            "Column of the figure",
            may_be_null=True,
            hint="Blank: value, or else the first that is no other.",
        ),
        Field(
            "timeDimension",
            "Column of the time",
            may_be_null=True,
            hint="When a period began; blank for a query of one figure.",
        ),
        Field(
            "grain",
            "Each period is a",
            "choice",
            "How long each period of that column is.",
            choices=[("", "-"), *((each, each) for each in get_args(Grain))],
            may_be_null=True,
        ),
        Field(
            "segmentBy", "Columns of the segments", "lines", "One a line; each segment has a state of its own.", rows=2
        ),
        Field("unit", "Unit", hint="Such as €, % or orders."),
        Field("format", "Figures are", "choice", choices=[(each, each) for each in _FORMATS]),
        Field("decimals", "Decimals", "number", "Blank for as many as there are, up to six.", may_be_null=True),
    ),
    defaults={"format": "number"},
)
router = routes(ROOM)


@router.post("/graphs/{graph_id}/preview")
def preview_graph(page: EditorPage, graph_id: UUID) -> Response:
    """What the graph's query answers now, over its last periods where it has any."""
    page.if_refused(lambda refusal: ROOM.page_of(page, graph_id, refusal=refusal))
    found = graph_previews.preview(page.asking, graph_id)
    return ROOM.page_of(page, graph_id, preview=found, chart=figures.draw(found.section, found.report))
