"""Report definitions: what a report asks, with typed parameters, columns and words. Each save is a version of its own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import Field, ValidationError

from api import report_checks, sources
from api.dashboards import DASHBOARDS
from api.graphs import GRAPHS, Asking, Graph, Text
from api.kpi_alert_bodies import patch_of
from api.nouns import Id, Noun
from api.refusals import of_model, refuse
from api.report_checks import A_SLOT
from config.zones import zone
from db.jsonb import Jsonb
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken, NotFound
from workers import uses
from workers.reports import words
from workers.reports.definition import BadParameter, Definition, Parameter, names_of, resolved
from workers.sources.parameters import named_in

MOST_DEFINITIONS = 500
_UNIQUE = "23505"
_ASKS = ("graph_id", "dashboard_id", "source_id", "query")


class ReportDefinition(NamedTuple):
    """A report definition as it stands; its version rises with each edit."""

    id: UUID
    name: str
    description: str
    graph_id: UUID | None
    dashboard_id: UUID | None
    source_id: UUID | None
    query: str | None
    definition: dict[str, Any]
    version: int
    created_by: str | None
    created_at: datetime
    updated_at: datetime


class Version(NamedTuple):
    """What a version of a report definition said."""

    version: int
    name: str
    graph_id: UUID | None
    dashboard_id: UUID | None
    source_id: UUID | None
    query: str | None
    definition: dict[str, Any]
    created_at: datetime


class ReportOf(NamedTuple):
    """A scheduled report of a definition, with the parameters that it gives."""

    schedule_id: UUID
    name: str
    status: str
    parameters: dict[str, Any]
    timezone: str


INSERT = Query("insert_report_definition", Id)
LIST = Query("list_report_definitions", ReportDefinition)
LOCK = Query("lock_report_definition", Id)
UPDATE = Query("update_report_definition")
DELETE = Query("delete_report_definition")
LIST_VERSIONS = Query("list_report_definition_versions", Version)
LIST_REPORTS = Query("list_reports_of_definition", ReportOf)


class ReportDefinitionIn(Definition):
    """A report definition to be made: of a graph, of a dashboard, or of a query of its own on a source."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$", description="what reportType names")]
    description: Text = ""
    graph_id: UUID | None = None
    dashboard_id: UUID | None = None
    source_id: UUID | None = None
    query: Asking | None = None


ReportDefinitionPatch = patch_of(ReportDefinitionIn)


def shown(row: ReportDefinition) -> dict[str, Any]:
    """A report definition as the outside sees it: as the body that would make it."""
    says = Definition.model_validate(row.definition).model_dump(mode="json", by_alias=True)
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "graphId": row.graph_id,
        "dashboardId": row.dashboard_id,
        "sourceId": row.source_id,
        "query": row.query,
        **says,
        "version": row.version,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


DEFINITIONS: Noun[ReportDefinition] = Noun(
    "report_definition",
    "/api/report-definitions",
    LIST,
    LOCK,
    DELETE,
    kept_because="scheduled reports are made by the definition {name!r}; delete them first",
    shown=shown,
)


def version_shown(row: Version) -> dict[str, Any]:
    """A version as the outside sees it."""
    says = Definition.model_validate(row.definition).model_dump(mode="json", by_alias=True)
    asked = {"graphId": row.graph_id, "dashboardId": row.dashboard_id, "sourceId": row.source_id, "query": row.query}
    return {"version": row.version, "name": row.name, **asked, **says, "createdAt": row.created_at}


def versions(conn: Connection, tenant_id: UUID, definition_id: UUID) -> list[Version]:
    """What each version said, newest first. Raises NotFound."""
    DEFINITIONS.get(conn, tenant_id, definition_id)
    return LIST_VERSIONS.all(conn, tenant_id=tenant_id, id=definition_id)


def check_words(body: ReportDefinitionIn) -> None:
    """Passes lines that make something of samples; it may take a process, so no transaction waits. Raises BadDefinition."""
    lines = {"title": (body.title, "subject"), "subtitle": (body.subtitle, "subject"), "notes": (body.notes, "text")}
    try:
        words.check(lines, body.parameters, A_SLOT, zone("UTC"))
    except words.BadWords as error:
        raise refuse(error.line, str(error)) from None


def create(
    conn: Connection, tenant_id: UUID, body: ReportDefinitionIn, *, created_by: str | None = None
) -> ReportDefinition:
    """The definition made, whose words were checked; nothing is asked yet. Raises BadDefinition, NameTaken."""
    columns = _checked(conn, tenant_id, body)
    if len(DEFINITIONS.list_all(conn, tenant_id, limit=MOST_DEFINITIONS)) == MOST_DEFINITIONS:
        raise refuse("", f"a tenant has at most {MOST_DEFINITIONS} report definitions")
    made = INSERT.one(conn, tenant_id=tenant_id, created_by=created_by, **columns)
    if made is None:
        raise NameTaken(f"there is a report definition named {body.name!r} already")
    return DEFINITIONS.get(conn, tenant_id, made.id)


def patched(row: ReportDefinition, patch: Any) -> ReportDefinitionIn:
    """The body that comes out of a patch; null takes a field away. Raises BadDefinition."""
    whole = {name: value for name, value in shown(row).items() if name in _FIELDS}
    given = patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
    # Another thing to ask takes the place of what was asked.
    if any(given.get(name) is not None for name in ("graphId", "dashboardId", "sourceId")):
        whole |= dict.fromkeys(("graphId", "dashboardId", "sourceId"))
        whole["query"] = whole["query"] if given.get("sourceId") is not None else None
    found = {name: value for name, value in {**whole, **given}.items() if value is not None}
    try:
        return ReportDefinitionIn.model_validate(found)
    except ValidationError as error:
        raise of_model(error) from None


_FIELDS = frozenset(str(field.alias) for field in ReportDefinitionIn.model_fields.values())


def edit(conn: Connection, tenant_id: UUID, row: ReportDefinition, body: ReportDefinitionIn) -> ReportDefinition:
    """The definition as the body says, whose words were checked; the caller holds it.

    Raises NameTaken, and BadDefinition too where a report that it makes gives parameters that are none any more.
    """
    columns = _checked(conn, tenant_id, body)
    reports = LIST_REPORTS.all(conn, tenant_id=tenant_id, id=row.id)
    for report in reports:
        try:
            resolved(body.parameters, report.parameters, A_SLOT, zone(report.timezone))
        except BadParameter as error:
            raise refuse("parameters", f"the report {report.name!r} no longer fits: {error.name} {error}") from None
    used = uses_of(conn, tenant_id, body)
    try:
        with transaction(conn):
            if used != uses_of(conn, tenant_id, row):
                # Schedules before what hangs on them: who changes a report holds its schedule and then looks here.
                for report in sorted(reports, key=lambda each: each.schedule_id):
                    if report.status in ("active", "paused", "failed"):
                        schedules.edit(conn, tenant_id, report.schedule_id, {"uses": used})
            UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **columns)
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a report definition named {body.name!r} already") from None
    return DEFINITIONS.get(conn, tenant_id, row.id)


def uses_of(conn: Connection, tenant_id: UUID, asking: ReportDefinition | ReportDefinitionIn) -> tuple[str, ...]:
    """The sources that a definition asks, as limits name them, sorted."""
    if asking.source_id is not None:
        return (uses.source(asking.source_id),)
    ids = (
        [asking.graph_id] if asking.graph_id else DASHBOARDS.get(conn, tenant_id, _there(asking.dashboard_id)).graph_ids
    )
    return tuple(sorted({uses.source(GRAPHS.get(conn, tenant_id, each).source_id) for each in ids}))


def _there(found: UUID | None) -> UUID:
    if found is None:
        raise RuntimeError("a report definition asks one thing, and asks none")
    return found


def check_parameters(parameters: list[Parameter], given: Mapping[str, Any], timezone: str) -> None:
    """Passes values that the parameters take. Raises BadDefinition naming the one at fault."""
    try:
        resolved(parameters, given, A_SLOT, zone(timezone))
    except BadParameter as error:
        raise refuse(f"parameters.{error.name}", str(error)) from None


def _checked(conn: Connection, tenant_id: UUID, body: ReportDefinitionIn) -> dict[str, Any]:
    """The columns as they are stored. Raises BadDefinition."""
    report_checks.check_parameters(body.parameters, body.window)
    report_checks.check_columns(body.columns, body.chart, has_query=body.source_id is not None)
    for pointer, query in _queries(conn, tenant_id, body):
        unknown = sorted(named_in(query) - names_of(body.parameters))
        if unknown:
            raise refuse(pointer, f"names $param_{unknown[0]}, which is no parameter here")
    own = {*_ASKS, "name", "description"}
    says = body.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=own)
    return {name: getattr(body, name) for name in own} | {"definition": Jsonb(says)}


def _queries(conn: Connection, tenant_id: UUID, body: ReportDefinitionIn) -> list[tuple[str, str]]:
    """What is asked, beside the field that says so. Raises BadDefinition."""
    if sum(each is not None for each in (body.graph_id, body.dashboard_id, body.source_id)) != 1:
        raise refuse("graphId", "takes exactly one of graphId, dashboardId, and sourceId with a query")
    if (body.source_id is None) != (body.query is None):
        raise refuse("query" if body.query is None else "sourceId", "is needed too: sourceId and query go together")
    pointer = "sourceId"
    try:
        if body.source_id is not None:
            sources.get(conn, tenant_id, body.source_id)
            return [("query", str(body.query))]
        graphs: list[Graph] = []
        if body.graph_id is not None:
            pointer = "graphId"
            graphs = [GRAPHS.get(conn, tenant_id, body.graph_id)]
        elif body.dashboard_id is not None:
            pointer = "dashboardId"
            shown_there = DASHBOARDS.get(conn, tenant_id, body.dashboard_id).graph_ids
            graphs = [GRAPHS.get(conn, tenant_id, each) for each in shown_there]
    except NotFound as error:
        raise refuse(pointer, str(error)) from None
    return [(pointer, graph.query) for graph in graphs]
