"""Dashboards: graphs in an order, which scheduled alerts send as one report."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.definitions import Line
from api.graphs import GRAPHS, Text
from api.nouns import Id, Noun
from api.refusals import refuse
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from scheduler.refusals import NameTaken, NotFound

MOST_DASHBOARDS = 1000
MOST_SHOWN = 50
_UNIQUE = "23505"


class Dashboard(NamedTuple):
    """A dashboard; its version rises with each edit."""

    id: UUID
    name: str
    description: str
    graph_ids: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_dashboard", Id)
LIST = Query("list_dashboards", Dashboard)
LOCK = Query("lock_dashboard", Id)
UPDATE = Query("update_dashboard")
DELETE = Query("delete_dashboard")
SHOW = Query("show_graphs")
DASHBOARDS: Noun[Dashboard] = Noun(
    "dashboard",
    "/api/dashboards",
    LIST,
    LOCK,
    DELETE,
    kept_because="alerts send the dashboard {name!r}; delete them first",
)

Shown = Annotated[list[UUID], Field(min_length=1, max_length=MOST_SHOWN, description="its graphs, in order")]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class DashboardIn(_Body):
    """A dashboard to be made."""

    name: Line
    description: Text = ""
    graph_ids: Shown


class DashboardPatch(_Body):
    """What changes; `graphIds` are all of them."""

    name: Line | None = None
    description: Text | None = None
    graph_ids: Shown | None = None


def create(conn: Connection, tenant_id: UUID, body: DashboardIn) -> Dashboard:
    """The dashboard made. Raises BadDefinition, NameTaken."""
    _check_graphs(conn, tenant_id, body.graph_ids)
    if len(DASHBOARDS.list_all(conn, tenant_id, limit=MOST_DASHBOARDS)) == MOST_DASHBOARDS:
        raise refuse("", f"a tenant has at most {MOST_DASHBOARDS} dashboards")
    made = INSERT.one(conn, tenant_id=tenant_id, name=body.name, description=body.description)
    if made is None:
        raise NameTaken(f"there is a dashboard named {body.name!r} already")
    SHOW.run(conn, tenant_id=tenant_id, id=made.id, graph_ids=body.graph_ids)
    return DASHBOARDS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: Dashboard, patch: DashboardPatch) -> Dashboard:
    """The dashboard with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken."""
    given: dict[str, Any] = {name: value for name, value in patch if value is not None}
    if "graph_ids" in given:
        _check_graphs(conn, tenant_id, given["graph_ids"])
        SHOW.run(conn, tenant_id=tenant_id, id=row.id, graph_ids=given["graph_ids"])
    name, description = given.get("name", row.name), given.get("description", row.description)
    try:
        with transaction(conn):
            UPDATE.run(conn, tenant_id=tenant_id, id=row.id, name=name, description=description)
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a dashboard named {name!r} already") from None
    return DASHBOARDS.get(conn, tenant_id, row.id)


def _check_graphs(conn: Connection, tenant_id: UUID, graph_ids: Sequence[UUID]) -> None:
    for place, graph_id in enumerate(graph_ids):
        if graph_id in graph_ids[:place]:
            raise refuse(f"graphIds.{place}", "is there already: a dashboard shows each graph once")
        try:
            GRAPHS.get(conn, tenant_id, graph_id)
        except NotFound as error:
            raise refuse(f"graphIds.{place}", str(error)) from None
