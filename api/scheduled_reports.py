"""Scheduled reports: a report and its schedule are one thing, made, changed and deleted together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from pydantic.alias_generators import to_camel

from api import definitions, report_definitions, shapes, templates, tenant_rules, timings
from api.definitions import ScheduleIn
from api.edits import edit_schedule
from api.nouns import Id, Noun
from api.refusals import of_recurrence, refuse
from api.report_checks import A_SLOT
from api.report_definitions import DEFINITIONS, ReportDefinition
from api.scheduled_report_bodies import ScheduledReportIn, ScheduledReportPatch, patched
from config.seal import Seal
from config.zones import zone
from db.jsonb import Jsonb
from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken
from scheduler.slots import BadRecurrence
from workers.kinds.report_export import KIND
from workers.reports import words
from workers.reports.definition import Definition

NO_SEAL = Seal(())
SLOTS_SHOWN = 10
_ATTEMPTS = 5
STATUSES = {"ACTIVE": ["active"], "PAUSED": ["paused"], "DISABLED": ["cancelled", "completed"], "ERROR": ["failed"]}
_STATUS_OF = {one: status for status, found in STATUSES.items() for one in found}
_RUN_STATUSES = {"succeeded": "success", "dead": "failed"}


class ScheduledReport(NamedTuple):
    """A report with its schedule, and what became of its newest runs."""

    id: UUID
    name: str
    description: str
    report_type: str
    report_definition_id: UUID
    schedule_id: UUID
    status: str
    cron: str | None
    interval_seconds: int | None
    interval_anchor: datetime | None
    scheduled_at: datetime | None
    recurrence: dict[str, Any] | None
    timezone: str
    calendar_id: UUID | None
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
    template_id: UUID | None
    deliver_within_seconds: int | None
    late_since: datetime | None
    workspace_id: str
    created_by: str | None
    version: int
    next_fire_at: datetime | None
    schedule_error: str | None
    last_run: datetime | None
    last_state: str | None
    last_run_error: str | None
    success_count: int
    failure_count: int
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_scheduled_report")
LIST = Query("list_scheduled_reports", ScheduledReport)
LOCK = Query("lock_scheduled_report", Id)
UPDATE = Query("update_scheduled_report")
DELETE = Query("delete_scheduled_report")

_AS_GIVEN = (
    "name",
    "description",
    "report_type",
    "timezone",
    "calendar_id",
    "export_formats",
    "parameters",
    "tags",
    "email_enabled",
    "email_recipients",
    "email_cc_recipients",
    "email_bcc_recipients",
    "email_subject",
    "email_include_attachment",
    "email_include_preview",
    "email_send_only_if_data",
    "error_after",
    "template_id",
    "deliver_within_seconds",
)
_COLUMNS = ("description", "export_formats", *_AS_GIVEN[8:-1])


def shown(row: ScheduledReport) -> dict[str, Any]:
    """A scheduled report as the outside sees it."""
    return {
        "id": row.id,
        **{to_camel(name): getattr(row, name) for name in _AS_GIVEN},
        "cronExpression": row.cron,
        **timings.shown(row),
        "isActive": row.status == "active",
        "status": _STATUS_OF[row.status],
        "definitionId": row.report_definition_id,
        "scheduleId": row.schedule_id,
        "lateSince": row.late_since,
        "lastRun": row.last_run,
        "lastRunStatus": _RUN_STATUSES.get(row.last_state or ""),
        "nextRun": row.next_fire_at,
        "runCount": row.success_count + row.failure_count,
        "successCount": row.success_count,
        "failureCount": row.failure_count,
        "lastError": row.last_run_error or row.schedule_error,
        "workspaceId": row.workspace_id,
        "createdById": row.created_by,
        "version": row.version,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


SCHEDULED_REPORTS: Noun[ScheduledReport] = Noun(
    "scheduled_report",
    "/api/scheduled-reports",
    LIST,
    LOCK,
    DELETE,
    filters=("statuses", "tag", "report_type"),
    is_planned_once=True,
    volatile=frozenset(
        {
            "status",
            "isActive",
            "lateSince",
            "lastRun",
            "lastRunStatus",
            "nextRun",
            "runCount",
            "successCount",
            "failureCount",
            "lastError",
            "updatedAt",
        }
    ),
    shown=shown,
    more=lambda conn, tenant_id, row: {"next": next_slots(conn, tenant_id, row)},
)


def next_slots(conn: Connection, tenant_id: UUID, row: ScheduledReport) -> list[dict[str, Any]]:
    """When it is made next, ten times; of a paused one as if it were resumed now, of one that is stopped never."""
    if row.status not in ("active", "paused"):
        return []
    return shapes.slots(schedules.preview(conn, tenant_id, row.schedule_id, SLOTS_SHOWN))


def check_words(body: ScheduledReportIn | ScheduledReportPatch, says: Definition | None) -> None:
    """Passes a subject that makes something of samples; it may take a process. Raises BadDefinition."""
    if says is None or not body.email_subject:
        return
    try:
        words.check({"emailSubject": (body.email_subject, "subject")}, says.parameters, A_SLOT, zone("UTC"))
    except words.BadWords as error:
        raise refuse(error.line, str(error)) from None


def says_of(conn: Connection, tenant_id: UUID, report_type: str) -> Definition | None:
    """What the definition of that name says; None where there is none."""
    found = _named(conn, tenant_id, report_type)
    return Definition.model_validate(found.definition) if found else None


def create(
    conn: Connection, tenant_id: UUID, body: ScheduledReportIn, *, retention_days: int, created_by: str | None = None
) -> ScheduledReport:
    """The report made with its schedule, whose words were checked. Raises BadDefinition, NameTaken."""
    timezone = body.timezone or tenant_rules.default_timezone(conn, tenant_id)
    timing = timings.timing_of(body, "cronExpression", body.cron_expression)
    columns, used = _checked(conn, tenant_id, body, timezone)
    tenant_rules.check_room(conn, tenant_id, "schedules")
    schedule_id, report_id = uuid4(), uuid4()
    with transaction(conn), _refusing(body.name):
        scheduled = ScheduleIn(
            job_type=KIND.name,
            name=body.name,
            **timing,
            timezone=timezone,
            calendar_id=body.calendar_id,
            tags=body.tags,
            max_attempts=_ATTEMPTS,
            deliver_within_seconds=body.deliver_within_seconds,
        )
        new = replace(definitions.definition(scheduled, KIND, schedule_id), uses=used)
        schedules.create(conn, tenant_id, schedule_id, new, retention_days=retention_days, created_by=created_by)
        INSERT.run(conn, id=report_id, tenant_id=tenant_id, schedule_id=schedule_id, **columns)
        if not body.is_active:
            schedules.pause(conn, tenant_id, schedule_id, None)
        made = SCHEDULED_REPORTS.get(conn, tenant_id, report_id)
        _check_workspace(body, made)
    return made


def edit(conn: Connection, tenant_id: UUID, row: ScheduledReport, patch: ScheduledReportPatch) -> ScheduledReport:
    """The report with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, WrongState."""
    body = patched(_body_of(row), patch)
    _check_workspace(body, row)
    timezone = body.timezone or tenant_rules.default_timezone(conn, tenant_id)
    columns, used = _checked(conn, tenant_id, body, timezone)
    same: dict[str, tuple[Any, Any]] = {
        "name": (row.name, body.name),
        "timezone": (row.timezone, timezone),
        "calendarId": (row.calendar_id, body.calendar_id),
        "tags": (row.tags, body.tags),
        "deliverWithinSeconds": (row.deliver_within_seconds, body.deliver_within_seconds),
    }
    changes = {name: wanted for name, (before, wanted) in same.items() if wanted != before}
    changes |= timings.changes(row, timings.timing_of(body, "cronExpression", body.cron_expression))
    with transaction(conn), _refusing(body.name):
        if changes:
            edit_schedule(conn, tenant_id, row.schedule_id, changes, kinds={KIND.name: KIND}, seal=NO_SEAL)
        if row.status in ("active", "paused", "failed"):
            schedules.edit(conn, tenant_id, row.schedule_id, {"uses": used})
        UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **columns)
        _switch(conn, tenant_id, row, patch)
    return SCHEDULED_REPORTS.get(conn, tenant_id, row.id)


def retire(conn: Connection, tenant_id: UUID, row: ScheduledReport) -> None:
    """Cancels the schedule of a report that is about to be deleted, and lets its name be taken again."""
    if row.status in ("active", "paused", "failed"):
        gone = f"{row.name[:170]} (deleted {str(row.schedule_id)[:8]})"
        schedules.edit(conn, tenant_id, row.schedule_id, {"name": gone})
        schedules.cancel(conn, tenant_id, row.schedule_id)


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Refusals of the schedule told as those of the report. Raises BadDefinition, NameTaken."""
    try:
        yield
    except BadRecurrence as error:
        raise of_recurrence(error) from None
    except NameTaken:
        raise NameTaken(f"there is a report or a schedule named {name!r} already") from None


def _body_of(row: ScheduledReport) -> dict[str, Any]:
    """The body that would make the report as it is."""
    return {to_camel(name): getattr(row, name) for name in _AS_GIVEN} | {
        "cronExpression": row.cron,
        **timings.shown(row),
    }


def _switch(conn: Connection, tenant_id: UUID, row: ScheduledReport, patch: ScheduledReportPatch) -> None:
    wanted = patch.status
    if wanted is None and patch.is_active is not None:
        wanted = "ACTIVE" if patch.is_active else "PAUSED"
    if wanted == "ACTIVE" and row.status in ("paused", "failed"):
        schedules.resume(conn, tenant_id, row.schedule_id)
    if wanted == "PAUSED" and row.status == "active":
        schedules.pause(conn, tenant_id, row.schedule_id, None)
    if wanted == "DISABLED" and row.status in ("active", "paused", "failed"):
        schedules.cancel(conn, tenant_id, row.schedule_id)


def _checked(
    conn: Connection, tenant_id: UUID, body: ScheduledReportIn, timezone: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns as they are stored, and what its runs use. Raises BadDefinition."""
    found = _named(conn, tenant_id, body.report_type)
    if found is None:
        raise refuse("reportType", f"there is no report definition {body.report_type!r}")
    says = Definition.model_validate(found.definition)
    report_definitions.check_parameters(says.parameters, body.parameters, timezone)
    if body.email_enabled and not body.email_recipients:
        raise refuse("emailRecipients", "takes at least one address where emailEnabled is true")
    if body.template_id is not None:
        templates.check_purpose(conn, tenant_id, body.template_id, KIND.name)
    columns = {name: getattr(body, name) for name in _COLUMNS}
    used = report_definitions.uses_of(conn, tenant_id, found)
    return columns | {"report_definition_id": found.id, "parameters": Jsonb(body.parameters)}, used


def _named(conn: Connection, tenant_id: UUID, name: str) -> ReportDefinition | None:
    return next((each for each in DEFINITIONS.list_all(conn, tenant_id) if each.name == name), None)


def _check_workspace(body: ScheduledReportIn, row: ScheduledReport) -> None:
    if body.workspace_id is not None and body.workspace_id != row.workspace_id:
        raise refuse("workspaceId", "takes the tenant whose token this is, or nothing")
