"""Sections with a time: schedules, alerts, pulses and scheduled reports. Whether one rests is left unless a file says it."""

from typing import Any
from uuid import UUID

from pydantic import Field

from api import kpi_alerts, pulses, scheduled_reports
from api.definitions import ScheduleIn
from api.kpi_alert_bodies import KpiAlertIn, KpiAlertPatch
from api.kpi_alerts import KPI_ALERTS
from api.pulse_bodies import PulseIn, PulsePatch
from api.pulses import PULSES
from api.refusals import refuse
from api.scheduled_report_bodies import ScheduledReportIn, ScheduledReportPatch
from api.scheduled_reports import SCHEDULED_REPORTS
from tocsin.stack.names import Fields, Find
from tocsin.stack.schedule_noun import is_over, keep_from, tidy_recurrence
from tocsin.stack.schedule_options import of_timed_noun
from tocsin.stack.sections import Means, Settling
from workers.kinds import pulse_report, report_export, scheduled_report, threshold_alert
from workers.reports.definition import Definition

# Alerts.


def _alert_body(row: Any) -> Fields:
    shown = KPI_ALERTS.shown(row)
    names = [str(each.alias) for each in KpiAlertIn.model_fields.values()]
    return {name: shown[name] for name in names} | {"isActive": row.status != "paused"}


def _settle_alert(at: Settling) -> None:
    kind, have = at.wanted["alertType"], at.have.says if at.have else {}
    part = at.wanted.get(kind)
    if part is None:
        raise refuse(kind, f"is required for an alert of the type {kind}")
    if part.get("timezone") is None:
        part["timezone"] = at.means.timezone
    _keep_counting(part, have.get(kind) or {})
    if kind == "schedule":
        keep_from(part, have.get(kind), ("frequencyInterval", "every"))


def _keep_counting(wanted: Fields, have: Fields) -> None:
    """What an alert's part is counted from stays, unless a file says it: of a pulse and a report that is `left`."""
    keep_from(wanted.get("recurrence"), have.get("recurrence"), ("every", "interval"))
    if wanted.get("intervalAnchor") is None and wanted.get("intervalSeconds") is not None:
        wanted["intervalAnchor"] = have.get("intervalAnchor")


def _tidy_alert(fields: Fields) -> None:
    for part in filter(None, (fields.get("threshold"), fields.get("schedule"))):
        tidy_recurrence(part)
    threshold = fields.get("threshold") or {}
    if "checkCron" in threshold and threshold["checkCron"] is None:
        # It is checked in another way, and says so.
        threshold.pop("checkCron")


def _make_alert(means: Means, body: Fields) -> Any:
    wanted = KpiAlertIn.model_validate(body)
    return kpi_alerts.create(
        means.conn, means.tenant, wanted, retention_days=means.retention_days, created_by=means.who
    )


ALERTS = of_timed_noun(
    "kpiAlerts",
    KPI_ALERTS,
    KpiAlertIn,
    _make_alert,
    lambda means, row, changes, _: kpi_alerts.edit(
        means.conn, means.tenant, row, KpiAlertPatch.model_validate(changes)
    ),
    lambda means, row: kpi_alerts.retire(means.conn, means.tenant, row),
    body_of=_alert_body,
    key="alertName",
    fixed=("alertType",),
    left=("isActive",),
    tidy=_tidy_alert,
    settle=_settle_alert,
    over=is_over,
    schedule_of=lambda row: row.schedule_id,
    kinds=(threshold_alert.KIND.name, scheduled_report.KIND.name),
    # How often it is tried follows from how long it waits for fresh data.
    without_options=("max_attempts",),
)


# Pulses.


def _pulse_body(row: Any) -> Fields:
    shown = PULSES.shown(row)
    names = [str(each.alias) for each in PulseIn.model_fields.values()]
    return {name: shown[name] for name in names} | {"enabled": row.status != "paused"}


def _keep_from(at: Settling) -> None:
    """What a recurrence is counted from stays, unless a file says it."""
    keep_from(at.wanted.get("recurrence"), at.have and at.have.says.get("recurrence"), ("every", "interval"))


def _make_pulse(means: Means, body: Fields) -> Any:
    wanted = PulseIn.model_validate(body)
    return pulses.create(means.conn, means.tenant, wanted, retention_days=means.retention_days, created_by=means.who)


PULSES_SECTION = of_timed_noun(
    "pulses",
    PULSES,
    PulseIn,
    _make_pulse,
    lambda means, row, changes, _: pulses.edit(means.conn, means.tenant, row, PulsePatch.model_validate(changes)),
    lambda means, row: pulses.retire(means.conn, means.tenant, row),
    body_of=_pulse_body,
    left=("enabled", "intervalAnchor", "calendar", "tags"),
    tidy=tidy_recurrence,
    settle=_keep_from,
    over=is_over,
    schedule_of=lambda row: row.id,
    kinds=(pulse_report.KIND.name,),
    defaults={"overlap_policy": "cancel_running"},
    beside={
        "calendar_id": (UUID | None, None),
        "tags": (ScheduleIn.model_fields["tags"].annotation, Field(default_factory=list)),
    },
)


# Scheduled reports.


def _report_body(row: Any) -> Fields:
    shown = SCHEDULED_REPORTS.shown(row)
    names = [str(each.alias) for each in ScheduledReportIn.model_fields.values()]
    return {name: shown[name] for name in names} | {"isActive": row.status != "paused"}


def _settle_report(at: Settling) -> None:
    if at.wanted.get("timezone") is None:
        at.wanted["timezone"] = at.means.timezone
    _keep_from(at)


def _make_report(means: Means, body: Fields) -> Any:
    wanted = ScheduledReportIn.model_validate(body)
    return scheduled_reports.create(
        means.conn, means.tenant, wanted, retention_days=means.retention_days, created_by=means.who
    )


def _check_report(means: Means, body: Fields, said: Find) -> None:
    names = [str(each.alias) for each in ScheduledReportIn.model_fields.values()]
    wanted = ScheduledReportIn.model_validate({name: body[name] for name in names if name in body})
    found = said("reportDefinitions", wanted.report_type)
    if found is not None:
        parts = [str(each.alias) for each in Definition.model_fields.values()]
        says = Definition.model_validate({name: found[name] for name in parts if name in found})
        scheduled_reports.check_words(wanted, says)
    else:
        says_there = scheduled_reports.says_of(means.conn, means.tenant, wanted.report_type)
        scheduled_reports.check_words(wanted, says_there)


REPORTS = of_timed_noun(
    "scheduledReports",
    SCHEDULED_REPORTS,
    ScheduledReportIn,
    _make_report,
    lambda means, row, changes, _: scheduled_reports.edit(
        means.conn, means.tenant, row, ScheduledReportPatch.model_validate(changes)
    ),
    lambda means, row: scheduled_reports.retire(means.conn, means.tenant, row),
    body_of=_report_body,
    left=("isActive", "intervalAnchor"),
    without=("workspaceId",),
    tidy=tidy_recurrence,
    settle=_settle_report,
    check=_check_report,
    over=is_over,
    schedule_of=lambda row: row.schedule_id,
    kinds=(report_export.KIND.name,),
)
