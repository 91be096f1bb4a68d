"""`/dashboards`: graphs that are reported together; its page shows each one's figures when it is asked to."""

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from fastapi import HTTPException
from fastapi.responses import Response
from markupsafe import Markup

from api import graph_previews
from api.charts import figures
from api.dashboards import DashboardIn, DashboardPatch
from api.graph_previews import GraphPreview
from api.pages.page import EditorPage, Page
from api.pages.rooms import Field, Room, names_of, routes
from api.refusals import BadDefinition
from api.routes import dashboards, graphs
from scheduler.refusals import NotFound

# Each graph asks a source, one after the other, while somebody waits for the page.
MOST_SHOWN = 12
_SECONDS = 20.0


class Shown(NamedTuple):
    """A graph's figures as its chart, or why there are none."""

    preview: GraphPreview | None = None
    chart: Markup | None = None
    why: str = ""


ROOM = Room(
    path="/dashboards",
    title="Dashboards",
    one="dashboard",
    note="Graphs that are reported together, in an order.",
    empty="A dashboard is a set of graphs that one report shows. It needs a graph first.",
    columns={"Name": "name", "What it is about": "description", "Graphs": "graphIds", "Since": "createdAt"},
    listed=dashboards.list_dashboards,
    got=dashboards.get_dashboard,
    made=dashboards.create_dashboard,
    taken=DashboardIn,
    edited=dashboards.edit_dashboard,
    patched=DashboardPatch,
    deleted=dashboards.delete_dashboard,
    show="dashboards/one.html.j2",
    beside=lambda page, _row: {"graphs": dict(names_of(graphs.list_graphs)(page))},
    fields=(
        Field("name", "Name", required=True),
        Field("description", "What it is about"),
        Field(
            "graphIds",
            "Graphs",
            "boxes",
            "They keep their order; what is ticked anew comes after them.",
            choices=names_of(graphs.list_graphs),
        ),
    ),
)
router = routes(ROOM)


@router.post("/dashboards/{dashboard_id}/preview")
def preview_dashboard(page: EditorPage, dashboard_id: UUID) -> Response:
    """What its graphs show now; one that can't be asked says why in its place."""
    asked = ROOM.row(page, dashboard_id)["graphIds"]
    return ROOM.page_of(page, dashboard_id, shown=dict(zip(asked, _shown(page, asked), strict=True)))


def _shown(page: Page, asked: Sequence[str]) -> Iterator[Shown]:
    """Each graph in turn; what is not reached in the page's time is not asked."""
    end = monotonic() + _SECONDS
    for number, graph_id in enumerate(asked):
        if number >= MOST_SHOWN or monotonic() > end:
            yield Shown(why="It was not asked: the others took the page's time. Its own page shows it.")
        else:
            yield _one(page, UUID(graph_id))


def _one(page: Page, graph_id: UUID) -> Shown:
    try:
        found = graph_previews.preview(page.asking, graph_id)
    except BadDefinition as error:
        return Shown(why="; ".join(each.detail for each in error.problems))
    except NotFound as error:
        return Shown(why=str(error))
    except HTTPException as error:
        return Shown(why=error.detail)
    return Shown(found, figures.draw(found.section, found.report))
