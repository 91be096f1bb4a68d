"""KPI alerts: an alert, its schedule and its threshold are one thing, made, changed and deleted together or not at all."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID, uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.alias_generators import to_camel

from api import definitions, tenant_rules
from api.definitions import Line, ScheduleIn, Words
from api.graphs import GRAPHS, Graph, Text
from api.nouns import Id, Noun
from api.refusals import of_model, of_recurrence, refuse
from config.zones import BadZone, zone
from db.jsonb import Jsonb
from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken, NotFound
from scheduler.slots import BadRecurrence
from workers import uses
from workers.alerting.policy import Policy, needs
from workers.channels.email import mailbox
from workers.kinds import threshold_alert

MAIN = ("condition", "threshold_value", "threshold_high")
"""What of a policy has a column of its own."""
_EVERY_FIVE_MINUTES = "*/5 * * * *"


class KpiAlert(NamedTuple):
    """An alert with its schedule and its threshold. `state` is the worst of its segments', null before the first check."""

    id: UUID
    name: str
    description: str
    alert_type: str
    recipients: list[str]
    graph_id: UUID | None
    dashboard_id: UUID | None
    schedule_id: UUID
    status: str
    cron: str | None
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


INSERT = Query("insert_kpi_alert")
INSERT_THRESHOLD = Query("insert_kpi_threshold")
LIST = Query("list_kpi_alerts", KpiAlert)
LOCK = Query("lock_kpi_alert", Id)
UPDATE = Query("update_kpi_alert")
UPDATE_THRESHOLD = Query("update_kpi_threshold")
DELETE = Query("delete_kpi_alert")
LIST_MOVES = Query("list_alert_events", Move)


class Threshold(Policy):
    """When the figure is checked, and the whole policy by which it is judged and told."""

    timezone: str | None = Field(None, description="of its periods and its checks; the tenant's if left out")
    check_cron: str = Field(_EVERY_FIVE_MINUTES, description="when the figure is checked")


ThresholdPatch = create_model(
    "ThresholdPatch",
    __doc__="What changes of the threshold; fields that are not named stay.",
    __config__=ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid"),
    **{  # type: ignore[call-overload]  # made of fields
        name: (Annotated[(field.annotation, *field.metadata, Field())], None)
        for name, field in Threshold.model_fields.items()
    },
)

Recipients = Annotated[
    list[Annotated[str, AfterValidator(mailbox)]],
    Field(min_length=1, max_length=1000),
    AfterValidator(lambda found: list(dict.fromkeys(found))),
]
Tags = Annotated[list[Line], Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class KpiAlertIn(_Body):
    """An alert to be made, of a graph."""

    alert_name: Line
    description: Text = ""
    alert_type: Annotated[Literal["threshold"], Words] = "threshold"
    recipients: Recipients
    is_active: bool = True
    graph_id: UUID | None = None
    dashboard_id: UUID | None = None
    threshold: Threshold | None = None
    calendar_id: UUID | None = None
    tags: Tags = Field(default_factory=list)


class KpiAlertPatch(_Body):
    """What changes; fields that are not named stay."""

    alert_name: Line | None = None
    description: Text | None = None
    recipients: Recipients | None = None
    is_active: bool | None = None
    graph_id: UUID | None = None
    threshold: ThresholdPatch | None = None
    calendar_id: UUID | None = None
    tags: Tags | None = None


def shown(row: KpiAlert) -> dict[str, Any]:
    """An alert as the outside sees it."""
    return {
        "id": row.id,
        "alertName": row.name,
        "description": row.description,
        "alertType": row.alert_type,
        "recipients": row.recipients,
        "isActive": row.status == "active",
        "status": row.status,
        "graphId": row.graph_id,
        "dashboardId": row.dashboard_id,
        "scheduleId": row.schedule_id,
        "threshold": threshold_of(row),
        "state": row.state,
        "calendarId": row.calendar_id,
        "tags": row.tags,
        "version": row.version,
        "nextRunAt": row.next_fire_at,
        "lastRunAt": row.last_run_at,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


KPI_ALERTS: Noun[KpiAlert] = Noun(
    "kpi_alert",
    "/api/kpi-alerts",
    LIST,
    LOCK,
    DELETE,
    volatile=frozenset({"status", "state", "nextRunAt", "lastRunAt", "updatedAt"}),
    shown=shown,
)


def threshold_of(row: KpiAlert) -> dict[str, Any] | None:
    """The threshold as it was given: what is left at its default is left out."""
    if row.policy is None:
        return None
    main = {to_camel(name): getattr(row, name) for name in MAIN}
    return {name: value for name, value in main.items() if value is not None} | {
        **row.policy,
        "timezone": row.timezone,
        "checkCron": row.cron,
    }


def policy_of(row: KpiAlert) -> Policy:
    """The policy that a threshold alert is judged by."""
    kept = threshold_of(row) or {}
    return Policy.model_validate({name: value for name, value in kept.items() if name not in ("timezone", "checkCron")})


def zone_of(conn: Connection, tenant_id: UUID, threshold: Threshold) -> str:
    """The zone that the threshold names, or else the tenant's. Raises BadDefinition."""
    if threshold.timezone is None:
        return tenant_rules.default_timezone(conn, tenant_id)
    try:
        zone(threshold.timezone)
    except BadZone as error:
        raise refuse("threshold.timezone", str(error)) from None
    return threshold.timezone


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


def create(
    conn: Connection, tenant_id: UUID, body: KpiAlertIn, *, retention_days: int, created_by: str | None = None
) -> KpiAlert:
    """The alert made with its schedule and its threshold. Raises BadDefinition, NameTaken."""
    if body.threshold is None:
        raise refuse("threshold", "is required for an alert of the type threshold")
    if body.dashboard_id is not None or body.graph_id is None:
        raise refuse("graphId", "takes the graph whose figure is judged; a dashboard has many")
    graph = _graph(conn, tenant_id, body.graph_id, body.threshold)
    tenant_rules.check_room(conn, tenant_id, "schedules")
    schedule_id, alert_id = uuid4(), uuid4()
    timezone = zone_of(conn, tenant_id, body.threshold)
    new = definitions.definition(
        ScheduleIn(
            job_type=threshold_alert.KIND.name,
            name=body.alert_name,
            cron_expression=body.threshold.check_cron,
            timezone=timezone,
            calendar_id=body.calendar_id,
            tags=body.tags,
        ),
        threshold_alert.KIND,
        schedule_id,
    )
    new = replace(new, uses=(uses.source(graph.source_id),))
    with transaction(conn):
        try:
            schedules.create(conn, tenant_id, schedule_id, new, retention_days=retention_days, created_by=created_by)
        except BadRecurrence as error:
            raise _of_recurrence(error) from None
        except NameTaken:
            raise NameTaken(f"there is an alert or a schedule named {body.alert_name!r} already") from None
        INSERT.run(
            conn,
            id=alert_id,
            tenant_id=tenant_id,
            schedule_id=schedule_id,
            alert_type=body.alert_type,
            alert_name=body.alert_name,
            description=body.description,
            recipients=body.recipients,
            graph_id=graph.id,
            dashboard_id=None,
        )
        INSERT_THRESHOLD.run(conn, alert_id=alert_id, tenant_id=tenant_id, **_columns(body.threshold))
        if not body.is_active:
            schedules.pause(conn, tenant_id, schedule_id, None)
    return KPI_ALERTS.get(conn, tenant_id, alert_id)


def edit(conn: Connection, tenant_id: UUID, row: KpiAlert, patch: KpiAlertPatch) -> KpiAlert:
    """The alert with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, WrongState."""
    given: dict[str, Any] = {
        name: getattr(patch, name)
        for name in patch.model_fields_set
        if getattr(patch, name) is not None or name == "calendar_id"
    }
    threshold = _patched(row, given.get("threshold"))
    graph = _graph(conn, tenant_id, given.get("graph_id", row.graph_id), threshold)
    name = given.get("alert_name", row.name)
    wanted = {"name": name, "cron": threshold.check_cron, "timezone": threshold.timezone}
    if "calendar_id" in given:
        wanted["calendar_id"] = given["calendar_id"]
    changes: dict[str, Any] = {column: value for column, value in wanted.items() if value != getattr(row, column)}
    if "tags" in given:
        changes["tags"] = tuple(given["tags"])
    if graph.id != row.graph_id:
        changes["uses"] = (uses.source(graph.source_id),)
    with transaction(conn):
        if changes:
            try:
                schedules.edit(conn, tenant_id, row.schedule_id, changes)
            except BadRecurrence as error:
                raise _of_recurrence(error) from None
            except NameTaken:
                raise NameTaken(f"there is an alert or a schedule named {name!r} already") from None
        UPDATE.run(
            conn,
            tenant_id=tenant_id,
            id=row.id,
            alert_name=name,
            description=given.get("description", row.description),
            recipients=given.get("recipients", row.recipients),
            graph_id=graph.id,
            dashboard_id=None,
        )
        UPDATE_THRESHOLD.run(conn, tenant_id=tenant_id, alert_id=row.id, **_columns(threshold))
        _switch(conn, tenant_id, row, is_active=given.get("is_active"))
    return KPI_ALERTS.get(conn, tenant_id, row.id)


def retire(conn: Connection, tenant_id: UUID, row: KpiAlert) -> None:
    """Cancels the schedule of an alert that is about to be deleted, and lets its name be taken again."""
    if row.status in ("active", "paused", "failed"):
        gone = f"{row.name[:170]} (deleted {str(row.schedule_id)[:8]})"
        schedules.edit(conn, tenant_id, row.schedule_id, {"name": gone})
        schedules.cancel(conn, tenant_id, row.schedule_id)


def _switch(conn: Connection, tenant_id: UUID, row: KpiAlert, *, is_active: bool | None) -> None:
    if is_active is False and row.status in ("active", "failed"):
        schedules.pause(conn, tenant_id, row.schedule_id, None)
    if is_active is True and row.status in ("paused", "failed"):
        schedules.resume(conn, tenant_id, row.schedule_id)


def _patched(row: KpiAlert, patch: BaseModel | None) -> Threshold:
    changes = {} if patch is None else patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
    whole: Mapping[str, Any] = {**(threshold_of(row) or {}), **changes}
    try:
        return Threshold.model_validate({name: value for name, value in whole.items() if value is not None})
    except ValidationError as error:
        raise of_model(error, "threshold") from None


def _graph(conn: Connection, tenant_id: UUID, graph_id: UUID | None, threshold: Policy) -> Graph:
    """The tenant's graph, if it has what the policy needs. Raises BadDefinition."""
    if graph_id is None:
        raise refuse("graphId", "is required")
    try:
        graph = GRAPHS.get(conn, tenant_id, graph_id)
    except NotFound as error:
        raise refuse("graphId", str(error)) from None
    needs_time, needs_grain = needs(threshold)
    if needs_time and graph.time_dimension is None:
        raise refuse("graphId", "takes a graph with a timeDimension: the threshold compares with earlier periods")
    if needs_grain and graph.grain is None:
        raise refuse("graphId", "takes a graph with a grain: the baseline is a period of the calendar")
    return graph


def _columns(threshold: Threshold) -> dict[str, Any]:
    """The policy as its columns hold it; what is at its default stays out of the JSON."""
    kept = threshold.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={*MAIN, "timezone", "check_cron"}
    )
    return {name: getattr(threshold, name) for name in MAIN} | {"policy": Jsonb(kept)}


def _of_recurrence(error: BadRecurrence) -> Exception:
    if error.field in ("cron", "timezone"):
        return refuse(f"threshold.{'checkCron' if error.field == 'cron' else 'timezone'}", error.reason)
    return of_recurrence(error)
