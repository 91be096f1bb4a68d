"""`/dashboards`: graphs that are reported together."""

from api.dashboards import DashboardIn, DashboardPatch
from api.pages.rooms import Field, Room, names_of, routes
from api.routes import dashboards, graphs

router = routes(
    Room(
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
)
