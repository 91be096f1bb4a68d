"""An alert as its rows are read, and as the outside sees it; and the moves of its states."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from pydantic.alias_generators import to_camel

from api import timings
from api.kpi_schedules import COLUMNS, OF_FREQUENCY, recurrence_of
from api.kpi_thresholds import MAIN, OF_TIMING
from db.pool import Connection
from db.query import Query
from workers.alerting.policy import Policy


class KpiAlert(NamedTuple):
    """An alert with its schedule and its threshold. `state` is the worst of its segments', null before the first check."""

    id: UUID
    name: str
    description: str
    alert_type: str
    recipients: list[str]
    recipient_rules: list[dict[str, Any]]
    graph_id: UUID | None
    dashboard_id: UUID | None
    template_id: UUID | None
    schedule_id: UUID
    channel_ids: list[UUID]
    deliver_within_seconds: int | None
    late_since: datetime | None
    status: str
    cron: str | None
    interval_seconds: int | None
    interval_anchor: datetime | None
    scheduled_at: datetime | None
    recurrence: dict[str, Any] | None
    timezone: str
    calendar_id: UUID | None
    tags: list[str]
    version: int
    next_fire_at: datetime | None
    last_run_at: datetime | None
    condition: str | None
    threshold_value: Decimal | None
    threshold_high: Decimal | None
    policy: dict[str, Any] | None
    frequency_interval: str | None
    schedule_hour: int | None
    schedule_minute: int | None
    selected_days: list[str] | None
    gating_condition: dict[str, Any] | None
    attachment_type: str | None
    options: dict[str, Any] | None
    state: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


class Move(NamedTuple):
    """One move of a segment's state, with the run that found it and why."""

    id: UUID
    segment: str
    previous_state: str
    state: str
    value: Decimal | None
    reason: str
    slot_at: datetime
    run_id: UUID
    created_at: datetime


LIST_MOVES = Query("list_alert_events", Move)


def shown(row: KpiAlert) -> dict[str, Any]:
    """An alert as the outside sees it."""
    return {
        "id": row.id,
        "alertName": row.name,
        "description": row.description,
        "alertType": row.alert_type,
        "recipients": [*row.recipients, *row.recipient_rules],
        "channels": [str(each) for each in row.channel_ids],
        "isActive": row.status == "active",
        "status": row.status,
        "graphId": row.graph_id,
        "dashboardId": row.dashboard_id,
        "templateId": row.template_id,
        "scheduleId": row.schedule_id,
        "threshold": threshold_of(row),
        "schedule": schedule_of(row),
        "state": row.state,
        "calendarId": row.calendar_id,
        "deliverWithinSeconds": row.deliver_within_seconds,
        "lateSince": row.late_since,
        "tags": row.tags,
        "version": row.version,
        "nextRunAt": row.next_fire_at,
        "lastRunAt": row.last_run_at,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def threshold_of(row: KpiAlert) -> dict[str, Any] | None:
    """The threshold as it was given: what is at its default is left out."""
    if row.policy is None:
        return None
    main = {to_camel(name): getattr(row, name) for name in MAIN}
    found = {**main, **row.policy, "timezone": row.timezone, "checkCron": row.cron, **timings.shown(row)}
    return {name: value for name, value in found.items() if value is not None}


def schedule_of(row: KpiAlert) -> dict[str, Any] | None:
    """When a scheduled alert is sent, as it was given: what is at its default is left out."""
    if row.options is None:
        return None
    found = {**{to_camel(name): getattr(row, name) for name in COLUMNS}, **row.options}
    if row.recurrence is not None and timings.is_same(row.recurrence, recurrence_of(found)):
        # Also where nobody told it: an edit that says nothing of it leaves the periods that count as they are.
        found |= {"from": row.recurrence.get("from")}
    else:
        # Its schedule was given another way to recur than the one that its columns tell, or never had that one.
        found |= {**dict.fromkeys(OF_FREQUENCY), "cron": row.cron, **timings.shown(row)}
    found["timezone"] = row.timezone
    return {name: value for name, value in found.items() if value not in (None, [])}


def recipients_of(row: KpiAlert) -> set[str]:
    """Everybody whom an alert names, those of its audiences too; its rules find others when it is sent."""
    audiences = (row.options or {}).get("audiences", [])
    return {*row.recipients, *(each for audience in audiences for each in audience["recipients"])}


def policy_of(row: KpiAlert) -> Policy:
    """The policy that a threshold alert is judged by."""
    kept = threshold_of(row) or {}
    return Policy.model_validate({name: value for name, value in kept.items() if name not in OF_TIMING})


def moves(
    conn: Connection,
    tenant_id: UUID,
    alert_id: UUID,
    segment: str | None = None,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[Move]:
    """The moves of an alert's states, newest first."""
    return LIST_MOVES.all(
        conn,
        tenant_id=tenant_id,
        alert_id=alert_id,
        segment=segment,
        before_at=before[0],
        before_id=before[1],
        room=limit,
    )
