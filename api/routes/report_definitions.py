"""`/api/report-definitions`: what reports ask, in versions; each is tried as far as it can be before it is kept."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import report_definitions, report_previews, shapes
from api.asked_sources import Means
from api.definitions import Json, Time
from api.paging import Cursor, Limit
from api.problems import answers, good, makes
from api.refusals import refuse
from api.report_definitions import DEFINITIONS, ReportDefinitionIn, ReportDefinitionPatch
from api.request import Editor, Maker, Reader, answer
from config.zones import BadZone, zone
from scheduler import schedules
from workers.reports.definition import Definition

router = APIRouter(
    prefix="/api/report-definitions", tags=["reports"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)


class ReportDefinitionOut(Definition):
    """A report definition; `version` rises with each edit."""

    id: UUID
    name: str
    description: str
    graph_id: UUID | None
    dashboard_id: UUID | None
    source_id: UUID | None
    query: str | None
    version: int
    created_by: str | None
    created_at: Time
    updated_at: Time


class ReportDefinitionVersion(Definition):
    """What a version of a report definition said."""

    version: int
    name: str
    graph_id: UUID | None
    dashboard_id: UUID | None
    source_id: UUID | None
    query: str | None
    created_at: Time


class ReportPreview(BaseModel):
    """A report as it would be mailed now, with the first rows alone; pictures stand in its page."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    subject: str
    text: str
    html: str
    record_count: int
    is_whole: bool
    parameters: dict[str, Any]
    columns: list[list[str]]
    definition_version: int
    problem: str | None


class TryIn(BaseModel):
    """Parameters to try a definition with, and the zone that relative dates are in."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    parameters: Json = Field(default_factory=dict)
    timezone: str = "UTC"


ReportDefinitionList = shapes.list_of(ReportDefinitionOut, "ReportDefinitionList")
VersionList = shapes.list_of(ReportDefinitionVersion, "ReportDefinitionVersionList")


@router.get("", responses=good(200, ReportDefinitionList))
def list_report_definitions(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The report definitions, newest first."""
    return DEFINITIONS.answer_list(asking, limit, cursor)


@router.post("", status_code=201, responses=makes(ReportDefinitionOut))
def create_report_definition(asking: Maker, body: ReportDefinitionIn) -> Response:
    """Makes a report definition; its source is asked nothing yet."""
    report_definitions.check_words(body)
    return DEFINITIONS.create(
        asking,
        lambda conn: report_definitions.create(conn, asking.tenant, body, created_by=asking.author.who),
    )


@router.get("/{definition_id}", responses=good(200, ReportDefinitionOut))
def get_report_definition(asking: Reader, definition_id: UUID) -> Response:
    """One report definition."""
    return DEFINITIONS.answer_one(asking, definition_id)


@router.patch("/{definition_id}", responses=good(200, ReportDefinitionOut, 412))
def edit_report_definition(
    asking: Editor,
    definition_id: UUID,
    body: ReportDefinitionPatch,
) -> Response:
    """Changes a report definition; the next executions run the new version."""
    with asking.reading() as conn:
        row = DEFINITIONS.get(conn, asking.tenant, definition_id)
    report_definitions.check_words(report_definitions.patched(row, body))
    return DEFINITIONS.edit(
        asking,
        definition_id,
        lambda conn, row: report_definitions.edit(conn, asking.tenant, row, report_definitions.patched(row, body)),
    )


@router.delete("/{definition_id}", status_code=204, responses=answers(409, 412))
def delete_report_definition(asking: Editor, definition_id: UUID) -> Response:
    """Deletes a report definition that no scheduled report is made by, with its versions."""
    return DEFINITIONS.remove(asking, definition_id)


@router.get("/{definition_id}/versions", responses=good(200, VersionList))
def list_report_definition_versions(asking: Reader, definition_id: UUID) -> Response:
    """What each version said, newest first; all of them are one page."""
    with asking.reading() as conn:
        found = report_definitions.versions(conn, asking.tenant, definition_id)
    return answer({"items": [report_definitions.version_shown(each) for each in found], "nextCursor": None})


@router.post("/{definition_id}/preview", responses=good(200, ReportPreview))
def preview_report_definition(asking: Editor, definition_id: UUID, body: TryIn) -> Response:
    """Asks now and shows the report; nothing is kept and nobody is told."""
    try:
        zone(body.timezone)
    except BadZone as error:
        raise refuse("timezone", str(error)) from None
    with asking.reading() as conn:
        now = schedules.read_now(conn)
        wanted = report_previews.of_definition(conn, asking.tenant, definition_id, body.parameters, body.timezone, now)
    settings = asking.web.settings
    return answer(report_previews.show(wanted, Means(asking.web.seal, settings.egress_allow, settings.files)))
