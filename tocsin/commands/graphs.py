"""`tocsin graphs` and `tocsin dashboards`: named queries with what they mean, and graphs in an order."""

from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.listed import Listed, finish, verbs_of

if TYPE_CHECKING:
    from uuid import UUID

    from api.dashboards import Dashboard
    from api.graphs import Graph
    from api.nouns import Noun
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers of both."""
    for listed, about in (
        (_GRAPHS, "named queries on sources, with what their columns mean"),
        (_DASHBOARDS, "graphs in an order"),
    ):
        verbs = verbs_of(commands, listed.word, about)
        listed.add(verbs, "list", "show", "create", "delete")
        finish(verbs)


def _graphs() -> "Noun[Graph]":
    from api.graphs import GRAPHS

    return GRAPHS


def _make_graph(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "Graph":
    from api import graphs

    return graphs.create(conn, tenant, bodies.read(graphs.GraphIn, body))


def _dashboards() -> "Noun[Dashboard]":
    from api.dashboards import DASHBOARDS

    return DASHBOARDS


def _make_dashboard(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "Dashboard":
    from api import dashboards

    return dashboards.create(conn, tenant, bodies.read(dashboards.DashboardIn, body))


_GRAPHS = Listed(
    "graphs",
    "graph",
    _graphs,
    _make_graph,
    {"ID": "id", "NAME": "name", "UNIT": "unit", "GRAIN": "grain", "SEGMENTS": "segmentBy", "VERSION": "version"},
)
_DASHBOARDS = Listed(
    "dashboards", "dashboard", _dashboards, _make_dashboard, {"ID": "id", "NAME": "name", "GRAPHS": "graphIds"}
)
