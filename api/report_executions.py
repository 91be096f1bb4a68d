"""Executions of scheduled reports: their runs under the names that reports have for them, with files and mails."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from api import artifacts
from api.artifacts import Links
from api.scheduled_reports import ScheduledReport
from db.ids import slot_of
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NotFound
from scheduler.schedules import read_now
from workers.artifacts import ArtifactRow


class Execution(NamedTuple):
    """An execution. `outcome` is the record that its run keeps; the files are those that it made, oldest first."""

    id: UUID
    scheduled_report_id: UUID
    status: str
    triggered_by: str
    triggered_manually: bool
    scheduled_for: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration: int | None
    error: str | None
    retry_count: int
    progress: int
    record_count: int | None
    definition_version: int | None
    outcome: dict[str, Any] | None
    files: list[dict[str, Any]]
    email_sent: bool
    email_sent_at: datetime | None
    email_error: str | None
    created_at: datetime
    asked_at: datetime


class Measured(NamedTuple):
    """What became of executions, how long the completed ones took, and their largest file."""

    executions: int
    succeeded: int
    failed: int
    success_ratio: float | None
    average_duration_ms: int | None
    p50_duration_ms: int | None
    p95_duration_ms: int | None
    largest_execution_id: UUID | None
    largest_name: str | None
    largest_format: str | None
    largest_size_bytes: int | None


NOTHING = Measured(0, 0, 0, *[None] * 8)
LIST = Query("list_report_executions", Execution)
MEASURE = Query("measure_report", Measured)


def list_all(
    conn: Connection,
    tenant_id: UUID,
    schedule_id: UUID,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[Execution]:
    """The executions of a report, by its schedule, newest slot first."""
    place = {"before_at": before[0], "before_id": before[1], "room": limit}
    return LIST.all(conn, tenant_id=tenant_id, schedule_id=schedule_id, id=None, slot_at=None, **place)


def get(conn: Connection, tenant_id: UUID, execution_id: UUID) -> Execution:
    """The tenant's execution of that id. Raises NotFound."""
    nothing = f"there is no execution {execution_id}"
    try:
        slot_at = slot_of(execution_id)
    except (ValueError, OverflowError):
        raise NotFound(nothing) from None
    asked = {"schedule_id": None, "before_at": None, "before_id": None, "room": 1}
    found = LIST.one(conn, tenant_id=tenant_id, id=execution_id, slot_at=slot_at, **asked)
    if found is None:
        raise NotFound(nothing)
    return found


def shown(row: Execution, links: Links | None = None) -> dict[str, Any]:
    """An execution as the outside sees it; format, fileUrl and fileSize are those of its first file.

    A fileUrl is a link that needs no login, or, where no links are made, the path that takes a token.
    """
    files = [{**file, "fileUrl": _url(row, file, links)} for file in row.files]
    first = files[0] if files else {}
    return {
        "id": row.id,
        "scheduledReportId": row.scheduled_report_id,
        "status": row.status,
        "triggeredBy": row.triggered_by,
        "triggeredManually": row.triggered_manually,
        "format": first.get("format"),
        "fileUrl": first.get("fileUrl"),
        "fileSize": first.get("sizeBytes"),
        "recordCount": row.record_count,
        "files": files,
        "scheduledFor": row.scheduled_for,
        "startedAt": row.started_at,
        "completedAt": row.completed_at,
        "duration": row.duration,
        "error": row.error,
        "retryCount": row.retry_count,
        "progress": row.progress,
        "emailSent": row.email_sent,
        "emailSentAt": row.email_sent_at,
        "emailError": row.email_error,
        "definitionVersion": row.definition_version,
        "parameters": (row.outcome or {}).get("parameters"),
        "createdAt": row.created_at,
    }


def _url(row: Execution, file: Mapping[str, Any], links: Links | None) -> str:
    if links is None:
        return f"/api/report-executions/{row.id}/download?format={file['format']}"
    return links.link(UUID(file["id"]), row.asked_at)


def file_of(conn: Connection, tenant_id: UUID, execution_id: UUID, wanted: str | None) -> ArtifactRow:
    """The file of an execution in a format, the first without one. Raises NotFound."""
    found = get(conn, tenant_id, execution_id)
    for file in found.files:
        if wanted in (None, file["format"]):
            return artifacts.get(conn, tenant_id, UUID(file["id"]))
    raise NotFound(f"the execution {execution_id} has no file{f' in the format {wanted}' if wanted else ''}")


def measure(conn: Connection, tenant_id: UUID, row: ScheduledReport, days: int) -> dict[str, Any]:
    """What became of a report's executions in the last days, how long they took, and their largest file."""
    since = read_now(conn) - timedelta(days=days)
    found = MEASURE.one(conn, tenant_id=tenant_id, schedule_id=row.schedule_id, since=since) or NOTHING
    largest = None
    if found.largest_execution_id is not None:
        largest = {
            "executionId": found.largest_execution_id,
            "name": found.largest_name,
            "format": found.largest_format,
            "sizeBytes": found.largest_size_bytes,
        }
    return {
        "days": days,
        "count": found.executions,
        "succeeded": found.succeeded,
        "failed": found.failed,
        "successRatio": found.success_ratio,
        "averageDurationMs": found.average_duration_ms,
        "p50DurationMs": found.p50_duration_ms,
        "p95DurationMs": found.p95_duration_ms,
        "largestFile": largest,
    }
