"""`/api/scheduled-reports`: reports that are made when their time has come, kept as files, and mailed if that is wanted."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from api import artifacts, report_executions, report_previews, scheduled_reports, shapes
from api.asked_sources import Means
from api.definitions import Time
from api.paging import Cursor, Limit, Word, page, place_of, room
from api.problems import answers, good, makes
from api.request import Change, Editor, Maker, Reader, answer
from api.routes.report_definitions import ReportPreview
from api.routes.schedules import SlotOut
from api.scheduled_report_bodies import ScheduledReportIn, ScheduledReportPatch, Status
from api.scheduled_reports import SCHEDULED_REPORTS, STATUSES, ScheduledReport
from db.pool import Connection
from scheduler import asked, schedules

router = APIRouter(
    prefix="/api/scheduled-reports", tags=["reports"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ScheduledReportOut(_Model):
    """A report with its schedule, and what became of its newest runs."""

    id: UUID
    name: str
    description: str
    report_type: str
    definition_id: UUID
    schedule_id: UUID
    cron_expression: str | None
    interval_seconds: int | None
    interval_anchor: Time | None
    scheduled_at: Time | None
    recurrence: dict[str, Any] | None
    timezone: str
    calendar_id: UUID | None
    is_active: bool
    status: Status
    export_formats: list[str]
    parameters: dict[str, Any]
    tags: list[str]
    email_enabled: bool
    email_recipients: list[str]
    email_cc_recipients: list[str]
    email_bcc_recipients: list[str]
    email_subject: str | None
    email_include_attachment: bool
    email_include_preview: bool
    email_send_only_if_data: bool
    error_after: int | None
    last_run: Time | None
    last_run_status: str | None
    next_run: Time | None
    run_count: int
    success_count: int
    failure_count: int
    last_error: str | None
    workspace_id: str
    created_by_id: str | None
    version: int
    created_at: Time
    updated_at: Time


class ScheduledReportWithNext(ScheduledReportOut):
    """A report, and when it is made next."""

    next: list[SlotOut]


class ReportFile(_Model):
    """A file that an execution made, and where it is downloaded."""

    id: UUID
    name: str
    format: str
    content_type: str
    size_bytes: int
    sha256: str
    record_count: int | None
    file_url: str


class ReportExecution(_Model):
    """An execution; format, fileUrl and fileSize are those of its first file, duration is in milliseconds."""

    id: UUID
    scheduled_report_id: UUID
    status: str
    triggered_by: str
    triggered_manually: bool
    format: str | None
    file_url: str | None
    file_size: int | None
    record_count: int | None
    files: list[ReportFile]
    scheduled_for: Time
    started_at: Time | None
    completed_at: Time | None
    duration: int | None
    error: str | None
    retry_count: int
    progress: int
    email_sent: bool
    email_sent_at: Time | None
    email_error: str | None
    definition_version: int | None
    parameters: dict[str, Any] | None
    created_at: Time


class LargestFile(_Model):
    """The largest file of the time that is looked at."""

    execution_id: UUID
    name: str
    format: str
    size_bytes: int


class ReportStats(_Model):
    """What became of the executions of the last days; durations are those of completed ones."""

    days: int
    count: int
    succeeded: int
    failed: int
    success_ratio: float | None
    average_duration_ms: int | None
    p50_duration_ms: int | None
    p95_duration_ms: int | None
    largest_file: LargestFile | None


class ExecutionId(_Model):
    """The execution that was made."""

    execution_id: UUID


ScheduledReportList = shapes.list_of(ScheduledReportOut, "ScheduledReportList")
ReportExecutionList = shapes.list_of(ReportExecution, "ReportExecutionList")


@router.get("", responses=good(200, ScheduledReportList))
def list_scheduled_reports(
    asking: Reader,
    status: Annotated[Status | None, Query()] = None,
    is_active: Annotated[bool | None, Query(alias="isActive")] = None,
    report_type: Annotated[Word | None, Query(alias="reportType")] = None,
    tag: Annotated[Word | None, Query(description="a tag of the report's")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The scheduled reports, newest first."""
    found = STATUSES[status] if status else [each for some in STATUSES.values() for each in some]
    if is_active is not None:
        found = [each for each in found if (each == "active") is is_active]
    wanted = found if status or is_active is not None else None
    return SCHEDULED_REPORTS.answer_list(asking, limit, cursor, statuses=wanted, tag=tag, report_type=report_type)


@router.post("", status_code=201, responses=makes(ScheduledReportWithNext))
def create_scheduled_report(asking: Maker, body: ScheduledReportIn) -> Response:
    """Makes a report with its schedule; the definition that `reportType` names says what it is of."""
    with asking.reading() as conn:
        says = scheduled_reports.says_of(conn, asking.tenant, body.report_type)
    scheduled_reports.check_words(body, says)
    days = asking.web.settings.retention_days

    def make(conn: Connection) -> ScheduledReport:
        return scheduled_reports.create(conn, asking.tenant, body, retention_days=days, created_by=asking.author.who)

    return SCHEDULED_REPORTS.create(asking, make)


@router.get("/{report_id}", responses=good(200, ScheduledReportWithNext))
def get_scheduled_report(asking: Reader, report_id: UUID) -> Response:
    """One scheduled report."""
    return SCHEDULED_REPORTS.answer_one(asking, report_id)


@router.patch("/{report_id}", responses=good(200, ScheduledReportWithNext, 409, 412))
def edit_scheduled_report(asking: Editor, report_id: UUID, body: ScheduledReportPatch) -> Response:
    """Changes a scheduled report; `status` ACTIVE starts again one that is paused or was stopped by its failures."""
    with asking.reading() as conn:
        row = SCHEDULED_REPORTS.get(conn, asking.tenant, report_id)
        says = scheduled_reports.says_of(conn, asking.tenant, body.report_type or row.report_type)
    scheduled_reports.check_words(body, says)
    return SCHEDULED_REPORTS.edit(
        asking, report_id, lambda conn, row: scheduled_reports.edit(conn, asking.tenant, row, body)
    )


@router.delete("/{report_id}", status_code=204, responses=answers(409, 412))
def delete_scheduled_report(asking: Editor, report_id: UUID) -> Response:
    """Deletes a scheduled report, and cancels its schedule; its runs and their files can still be read."""

    def retire(conn: Connection, row: ScheduledReport) -> None:
        scheduled_reports.retire(conn, asking.tenant, row)

    return SCHEDULED_REPORTS.remove(asking, report_id, first=retire)


@router.post("/{report_id}/run", status_code=202, responses=good(202, ExecutionId, 409))
def run_scheduled_report(asking: Editor, report_id: UUID) -> Response:
    """Makes an execution for now, beside the report's slots."""

    def work(conn: Connection) -> Change:
        row = SCHEDULED_REPORTS.get(conn, asking.tenant, report_id)
        run_id = asked.run_now(conn, asking.tenant, row.schedule_id, triggered_by=asking.author.who)
        found = {"executionId": run_id}
        return Change("scheduled_report.run", ("scheduled_report", report_id), None, found, found, status=202)

    return asking.writing(work)


@router.post("/{report_id}/preview", responses=good(200, ReportPreview))
def preview_scheduled_report(asking: Reader, report_id: UUID) -> Response:
    """Asks now and shows the mail with its preview; nothing is kept and nobody is told."""
    with asking.reading() as conn:
        row = SCHEDULED_REPORTS.get(conn, asking.tenant, report_id)
        wanted = report_previews.of_report(conn, asking.tenant, row, schedules.read_now(conn))
    settings = asking.web.settings
    return answer(report_previews.show(wanted, Means(asking.web.seal, settings.egress_allow, settings.files)))


@router.get("/{report_id}/executions", responses=good(200, ReportExecutionList))
def list_report_executions(asking: Reader, report_id: UUID, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The executions, newest slot first."""
    before = place_of(cursor, "executions", asking.tenant)
    with asking.reading() as conn:
        schedule_id = SCHEDULED_REPORTS.get(conn, asking.tenant, report_id).schedule_id
        rows = report_executions.list_all(conn, asking.tenant, schedule_id, before=before, limit=room(limit))
    links = artifacts.links_of(asking.web.settings.url, asking.web.seal, asking.tenant)
    shown = partial(report_executions.shown, links=links)
    return answer(page(rows, limit, "executions", asking.tenant, lambda row: (row.scheduled_for, row.id), shown))


@router.get("/{report_id}/stats", responses=good(200, ReportStats))
def measure_scheduled_report(
    asking: Reader, report_id: UUID, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> Response:
    """Of the last days: how many executions, how many succeeded, how long they took, and the largest file."""
    with asking.reading() as conn:
        row = SCHEDULED_REPORTS.get(conn, asking.tenant, report_id)
        found = report_executions.measure(conn, asking.tenant, row, days)
    return answer(found)
