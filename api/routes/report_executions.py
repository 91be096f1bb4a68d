"""`/api/report-executions`: what became of one making of a report, and its files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import artifacts, report_executions
from api.paging import Lower
from api.problems import answers, good
from api.request import Reader, answer
from api.routes.scheduled_reports import ReportExecution
from workers.kinds.report_export import ExportFormat

router = APIRouter(
    prefix="/api/report-executions", tags=["reports"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the bytes of the file, in the content type that it was kept with",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{execution_id}", responses=good(200, ReportExecution))
def get_report_execution(asking: Reader, execution_id: UUID) -> Response:
    """One execution with its files, how far it is, and what became of its mails."""
    links = artifacts.links_of(asking.web.settings.url, asking.web.seal, asking.tenant)
    with asking.reading() as conn:
        return answer(report_executions.shown(report_executions.get(conn, asking.tenant, execution_id), links))


@router.get("/{execution_id}/download", responses=_FILE | answers(410), response_class=Response)
def download_report(
    asking: Reader,
    execution_id: UUID,
    wanted: Annotated[
        ExportFormat | None, Lower, Query(alias="format", description="the first file if left out")
    ] = None,
) -> Response:
    """The bytes of one of its files, to be saved; 410 for one that is no more in the store."""
    with asking.reading() as conn:
        found = report_executions.file_of(conn, asking.tenant, execution_id, wanted)
    return artifacts.download(asking.web, found)
