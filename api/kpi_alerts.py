"""KPI alerts: an alert, its schedule and its threshold are one thing, made, changed and deleted together or not at all."""

from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from api import channels, definitions, kpi_schedules, kpi_thresholds, shapes, templates, tenant_rules, timings
from api.dashboards import DASHBOARDS
from api.definitions import ScheduleIn
from api.edits import edit_schedule
from api.graphs import GRAPHS, Graph
from api.kpi_alert_bodies import KpiAlertIn, KpiAlertPatch, patched, refusing
from api.kpi_alert_rows import KpiAlert, shown
from api.kpi_thresholds import Threshold, check_graph
from api.nouns import Id, Noun
from api.refusals import refuse
from config.seal import Seal
from config.zones import BadZone, zone
from db.jsonb import Jsonb
from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NotFound
from workers import uses
from workers.kind import Kind
from workers.kinds import scheduled_report, threshold_alert
from workers.recipients import OfColumn, listed

NO_SEAL = Seal(())
SLOTS_SHOWN = 10
_KEPT = (
    "description",
    "alertType",
    "recipients",
    "channels",
    "graphId",
    "dashboardId",
    "templateId",
    "calendarId",
    "deliverWithinSeconds",
    "tags",
    "threshold",
    "schedule",
)
_ATTEMPTS = 5


INSERT = Query("insert_kpi_alert")
INSERT_THRESHOLD = Query("insert_kpi_threshold")
INSERT_SCHEDULE = Query("insert_kpi_schedule")
LIST = Query("list_kpi_alerts", KpiAlert)
LOCK = Query("lock_kpi_alert", Id)
UPDATE = Query("update_kpi_alert")
UPDATE_THRESHOLD = Query("update_kpi_threshold")
UPDATE_SCHEDULE = Query("update_kpi_schedule")
DELETE = Query("delete_kpi_alert")
TELL = Query("tell_channels")


KPI_ALERTS: Noun[KpiAlert] = Noun(
    "kpi_alert",
    "/api/kpi-alerts",
    LIST,
    LOCK,
    DELETE,
    filters=("alert_type", "state", "is_active", "search"),
    volatile=frozenset({"status", "state", "lateSince", "nextRunAt", "lastRunAt", "updatedAt"}),
    shown=shown,
    more=lambda conn, tenant_id, row: {"next": next_slots(conn, tenant_id, row)},
)


def next_slots(conn: Connection, tenant_id: UUID, row: KpiAlert) -> list[dict[str, Any]]:
    """When it is checked or sent next, ten times; of a paused one as if it were resumed now, of one that is over never."""
    if row.status not in ("active", "paused", "failed"):
        return []
    return shapes.slots(schedules.preview(conn, tenant_id, row.schedule_id, SLOTS_SHOWN))


def zone_of(conn: Connection, tenant_id: UUID, named: str | None, alert_type: str = "threshold") -> str:
    """The zone that is named, or else the tenant's. Raises BadDefinition."""
    if named is None:
        return tenant_rules.default_timezone(conn, tenant_id)
    try:
        zone(named)
    except BadZone as error:
        raise refuse(f"{alert_type}.timezone", str(error)) from None
    return named


class _Child(NamedTuple):
    """What an alert's type makes of it: its kind, how its schedule recurs, what it uses, and its child's columns."""

    kind: Kind
    timing: dict[str, Any]
    timezone: str
    uses: tuple[str, ...]
    columns: dict[str, Any]
    max_attempts: int
    channel_ids: list[UUID]


def create(
    conn: Connection, tenant_id: UUID, body: KpiAlertIn, *, retention_days: int, created_by: str | None = None
) -> KpiAlert:
    """The alert made with its schedule and its child. Raises BadDefinition, NameTaken."""
    child = _child(conn, tenant_id, body)
    if body.schedule is not None:
        kpi_schedules.check_audiences(body.schedule, listed(body.recipients))
    tenant_rules.check_room(conn, tenant_id, "schedules")
    schedule_id, alert_id = uuid4(), uuid4()
    with transaction(conn), refusing(body):
        scheduled = ScheduleIn(
            job_type=child.kind.name,
            name=body.alert_name,
            timezone=child.timezone,
            calendar_id=body.calendar_id,
            deliver_within_seconds=body.deliver_within_seconds,
            tags=body.tags,
            max_attempts=child.max_attempts,
            **child.timing,
        )
        new = replace(definitions.definition(scheduled, child.kind, schedule_id), uses=child.uses)
        schedules.create(conn, tenant_id, schedule_id, new, retention_days=retention_days, created_by=created_by)
        INSERT.run(
            conn,
            id=alert_id,
            tenant_id=tenant_id,
            schedule_id=schedule_id,
            alert_type=body.alert_type,
            alert_name=body.alert_name,
            description=body.description,
            recipients=listed(body.recipients),
            recipient_rules=_rules(body),
            graph_id=body.graph_id,
            dashboard_id=body.dashboard_id,
            template_id=body.template_id,
        )
        TELL.run(conn, tenant_id=tenant_id, id=alert_id, channel_ids=child.channel_ids)
        insert = INSERT_THRESHOLD if body.alert_type == "threshold" else INSERT_SCHEDULE
        insert.run(conn, alert_id=alert_id, tenant_id=tenant_id, **child.columns)
        if not body.is_active:
            schedules.pause(conn, tenant_id, schedule_id, None)
    return KPI_ALERTS.get(conn, tenant_id, alert_id)


def edit(conn: Connection, tenant_id: UUID, row: KpiAlert, patch: KpiAlertPatch) -> KpiAlert:
    """The alert with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, WrongState."""
    stored = _body_of(row)
    body = patched(stored, patch)
    child = _child(conn, tenant_id, body)
    if body.schedule is not None and {"schedule", "recipients"} & patch.model_fields_set:
        kpi_schedules.check_audiences(body.schedule, listed(body.recipients))
    same: dict[str, tuple[Any, Any]] = {
        "name": (row.name, body.alert_name),
        "timezone": (row.timezone, child.timezone),
        "calendarId": (row.calendar_id, body.calendar_id),
        "deliverWithinSeconds": (row.deliver_within_seconds, body.deliver_within_seconds),
        "tags": (row.tags, body.tags),
    }
    changes = {name: wanted for name, (before, wanted) in same.items() if wanted != before}
    changes |= timings.changes(row, child.timing)
    with transaction(conn), refusing(body):
        if changes:
            kinds = {child.kind.name: child.kind}
            edit_schedule(conn, tenant_id, row.schedule_id, changes, kinds=kinds, seal=NO_SEAL)
        schedules.edit(conn, tenant_id, row.schedule_id, {"uses": child.uses, "max_attempts": child.max_attempts})
        UPDATE.run(
            conn,
            tenant_id=tenant_id,
            id=row.id,
            alert_name=body.alert_name,
            description=body.description,
            recipients=listed(body.recipients),
            recipient_rules=_rules(body),
            graph_id=body.graph_id,
            dashboard_id=body.dashboard_id,
            template_id=body.template_id,
        )
        TELL.run(conn, tenant_id=tenant_id, id=row.id, channel_ids=child.channel_ids)
        update = UPDATE_THRESHOLD if row.alert_type == "threshold" else UPDATE_SCHEDULE
        update.run(conn, tenant_id=tenant_id, alert_id=row.id, **child.columns)
        if patch.is_active is not None:
            _switch(conn, tenant_id, row, is_active=patch.is_active)
    return KPI_ALERTS.get(conn, tenant_id, row.id)


def _body_of(row: KpiAlert) -> dict[str, Any]:
    """The body that would make the alert as it is."""
    whole = shown(row)
    return {"alertName": row.name, **{name: whole[name] for name in _KEPT}}


def retire(conn: Connection, tenant_id: UUID, row: KpiAlert) -> None:
    """Cancels the schedule of an alert that is about to be deleted, and lets its name be taken again."""
    if row.status in ("active", "paused", "failed"):
        gone = f"{row.name[:170]} (deleted {str(row.schedule_id)[:8]})"
        schedules.edit(conn, tenant_id, row.schedule_id, {"name": gone})
        schedules.cancel(conn, tenant_id, row.schedule_id)


def _switch(conn: Connection, tenant_id: UUID, row: KpiAlert, *, is_active: bool) -> None:
    if not is_active and row.status in ("active", "failed"):
        schedules.pause(conn, tenant_id, row.schedule_id, None)
    if is_active and row.status in ("paused", "failed"):
        schedules.resume(conn, tenant_id, row.schedule_id)


def _child(conn: Connection, tenant_id: UUID, body: KpiAlertIn) -> _Child:
    """What the body's type makes of it. Raises BadDefinition."""
    given = {"threshold": body.threshold, "schedule": body.schedule}
    part = given.pop(body.alert_type)
    if part is None:
        raise refuse(body.alert_type, f"is required for an alert of the type {body.alert_type}")
    for name, other in given.items():
        if other is not None:
            raise refuse(name, f"goes with an alert of the type {name}")
    graphs = _graphs(conn, tenant_id, body)
    if body.template_id is not None:
        templates.check_purpose(conn, tenant_id, body.template_id, f"kpi.{body.alert_type}")
    timezone = zone_of(conn, tenant_id, part.timezone, body.alert_type)
    told = channels.ids_of(conn, tenant_id, body.channels, is_report=body.alert_type == "schedule")
    if not told and not body.recipients and not (body.schedule and body.schedule.audiences):
        raise refuse("recipients", "takes at least one address or rule, where no channel is told")
    asked = [*graphs, *_graphs_of_recipients(conn, tenant_id, body)]
    used = tuple(sorted({uses.source(graph.source_id) for graph in asked}))
    if isinstance(part, Threshold):
        check_graph(part, graphs[0])
        columns = kpi_thresholds.columns_of(part)
        return _Child(threshold_alert.KIND, _timing(body), timezone, used, columns, _ATTEMPTS, told)
    kpi_schedules.check_gate(part, [graph.name for graph in graphs])
    waits = part.freshness.wait_seconds // part.freshness.pause_seconds + 1 if part.freshness else 0
    attempts = min(100, _ATTEMPTS + waits)
    return _Child(scheduled_report.KIND, _timing(body), timezone, used, kpi_schedules.columns_of(part), attempts, told)


def _rules(body: KpiAlertIn) -> Jsonb:
    """The recipients that are found when it is sent, as their column holds them."""
    rules = [each for each in body.recipients if not isinstance(each, str)]
    return Jsonb([rule.model_dump(mode="json", by_alias=True) for rule in rules])


def _graphs_of_recipients(conn: Connection, tenant_id: UUID, body: KpiAlertIn) -> list[Graph]:
    """The graphs in which recipients are looked for. Raises BadDefinition."""
    found = []
    for place, each in enumerate(body.recipients):
        if isinstance(each, OfColumn):
            try:
                found.append(GRAPHS.get(conn, tenant_id, each.graph_id))
            except NotFound as error:
                raise refuse(f"recipients.{place}.graphId", str(error)) from None
    return found


def _timing(body: KpiAlertIn) -> dict[str, Any]:
    """How an alert's schedule recurs, as the schedule's own body takes it. Raises BadDefinition."""
    if body.threshold is not None:
        return kpi_thresholds.timing_of(body.threshold)
    return {} if body.schedule is None else kpi_schedules.timing_of(body.schedule)


def _graphs(conn: Connection, tenant_id: UUID, body: KpiAlertIn) -> list[Graph]:
    """The graphs that the alert is of. Raises BadDefinition."""
    if (body.graph_id is None) == (body.dashboard_id is None):
        raise refuse("graphId", "takes exactly one of graphId and dashboardId")
    if body.graph_id is None and body.alert_type == "threshold":
        raise refuse("dashboardId", "goes with an alert of the type schedule: a threshold takes a graphId")
    ids, pointer = [body.graph_id], "graphId"
    try:
        if body.dashboard_id is not None:
            pointer = "dashboardId"
            ids = [*DASHBOARDS.get(conn, tenant_id, body.dashboard_id).graph_ids]
        return [GRAPHS.get(conn, tenant_id, graph_id) for graph_id in ids if graph_id is not None]
    except NotFound as error:
        raise refuse(pointer, str(error)) from None
