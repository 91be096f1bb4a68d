"""The page for those who come from other systems against what there is."""

import re
from pathlib import Path
from typing import Any

import pytest

from api.app import openapi
from config.environ import SETTINGS
from tests.docs.test_docs import rows

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
ENGINE = [
    "id",
    "jobType",
    "jobPayload",
    "cronExpression",
    "scheduledAt",
    "nextRunAt",
    "lastRunAt",
    "status",
    "maxRuns",
    "runCount",
    "metadata",
    "createdBy",
]
# What each of the systems calls things; all of it has to be on the page.
NAMES = {
    "A scheduling engine with a callback registry": ["schedules", "tenantId", *ENGINE],
    "KPI alerts on cron jobs": [
        "cron_jobs",
        "job_name",
        "last_ran_at_date",
        "last_ran_at_hour",
        "last_ran_at_minute",
        "locked",
        "master_locked",
        "cron_job_results",
        "prevent_multiple_updates",
        "cronJobCanRunSafely",
        "kpi_alerts",
        "organization_id",
        "graph_id",
        "dashboard_id",
        "alert_name",
        "recipients",
        "is_active",
        "alert_type",
        "kpi_schedules",
        "frequency_interval",
        "schedule_hour",
        "schedule_minute",
        "selected_days",
        "timezone",
        "gating_condition",
        "attachment_type",
        "kpi_thresholds",
        "condition",
        "threshold_value",
    ],
    "Pulses": [
        "name",
        "description",
        "prompt",
        "cron",
        "cronTimezone",
        "enabled",
        "recipients",
        "lastRunAt",
        "nextRunAt",
        "createdAt",
        "updatedAt",
        "pulseConfigId",
        "state",
        "result",
        "payload",
        "error",
        "emailSent",
        "emailSentAt",
        "startedAt",
        "finishedAt",
        "/api/pulse",
        "/api/pulse/{configId}",
        "/api/pulse/{configId}/publish",
        "/api/pulse/tick",
        "/api/pulse/dispatch-ticks",
        "/api/pulse-job/{jobId}",
        "/api/pulse-job/{jobId}/run",
        "/api/pulse-job/cleanup",
        "SUPABASE_JWT_SECRET",
    ],
    "Scheduled reports": [
        "reportType",
        "isActive",
        "exportFormats",
        "parameters",
        "tags",
        "emailEnabled",
        "emailRecipients",
        "emailCcRecipients",
        "emailBccRecipients",
        "emailSubject",
        "emailIncludeAttachment",
        "emailIncludePreview",
        "emailSendOnlyIfData",
        "lastRun",
        "lastRunStatus",
        "nextRun",
        "successCount",
        "failureCount",
        "lastError",
        "workspaceId",
        "createdById",
        "scheduledReportId",
        "triggeredBy",
        "triggeredManually",
        "fileUrl",
        "fileSize",
        "recordCount",
        "format",
        "scheduledFor",
        "completedAt",
        "duration",
        "retryCount",
        "emailError",
        "progress",
    ],
    "A crew scheduler": [
        "crew_responses",
        "user_uid",
        "request_context",
        "request_goal",
        "response_data",
        "created_at",
        "isRunning",
        "intervalMinutes",
        "apiUrl",
        "start",
        "stop",
        "run-now",
        "/api/crew-responses",
        "/api/crew-responses/{id}",
        "userUid",
        "limit",
        "offset",
        "startDate",
        "endDate",
        "CREW_API_URL",
        "CREW_SCHEDULER_INTERVAL_MINUTES",
    ],
}


@pytest.mark.parametrize("system", sorted(NAMES))
def test_each_name_of_a_system_is_on_the_page(system: str) -> None:
    told = {name for row in rows(PAGE, system) for name in re.findall(r"`([^`]+)`", row[0])}

    assert set(NAMES[system]) - told == set()


def test_what_the_page_says_is_here_is_in_the_apis_document() -> None:
    document = openapi()
    names = (
        _fields(document)
        | set(SETTINGS)
        | {f"{verb.upper()} {path}" for path, verbs in document["paths"].items() for verb in verbs}
    )
    claimed = {
        name
        for system in NAMES
        for there, here, *_ in (row for row in rows(PAGE, system))
        if "to come" not in here
        for name in re.findall(r"`((?:[A-Z]+ /api[^`]+|[a-z]+[A-Z]\w+))`", here)
    }

    # `thresholdValue` and the like are a kind's own, which /api/kinds describes.
    of_kinds = {"alertName", "thresholdValue"}
    assert claimed - names - of_kinds == set()
    assert len(claimed) > 15


def test_a_schedule_has_every_field_of_the_scheduling_engine() -> None:
    schemas = openapi()["components"]["schemas"]

    assert set(ENGINE) <= set(schemas["Schedule"]["properties"])
    written = {"jobType", "jobPayload", "cronExpression", "scheduledAt", "maxRuns", "metadata"}
    assert written <= set(schemas["ScheduleIn"]["properties"])


def _fields(document: dict[str, Any]) -> set[str]:
    found = {name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})}
    for verbs in document["paths"].values():
        for operation in verbs.values():
            found |= {parameter["name"] for parameter in operation.get("parameters", [])}
    return found
