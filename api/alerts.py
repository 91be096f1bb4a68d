"""Threshold alerts: the schedule, the alert and its threshold are made together or not at all."""

from dataclasses import replace
from uuid import UUID, uuid4

from api.refusals import refuse
from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules
from scheduler.definition import NewSchedule, Schedule
from workers import uses
from workers.journal import GET_SOURCE
from workers.kinds.threshold_alert import Params

INSERT_ALERT = Query("insert_kpi_alert")
INSERT_THRESHOLD = Query("insert_kpi_threshold")


def create_threshold(
    conn: Connection,
    tenant_id: UUID,
    schedule_id: UUID,
    new: NewSchedule,
    params: Params,
    *,
    retention_days: int,
    created_by: str | None = None,
) -> Schedule:
    """The schedule of a threshold alert; its params are what the database projects out of the alert.

    Raises BadDefinition when the tenant has no such source, and what `schedules.create` raises.
    """
    if params.alert_id is not None:
        raise refuse("params.alertId", "is given by Tocsin")
    with transaction(conn):
        source = GET_SOURCE.one(conn, tenant_id=tenant_id, name=params.source)
        if source is None:
            raise refuse("params.source", f"there is no source {params.source!r}; make it with `tocsin sources create`")
        new = replace(new, uses=(uses.source(source.id),))
        schedules.create(conn, tenant_id, schedule_id, new, retention_days=retention_days, created_by=created_by)
        alert_id = uuid4()
        INSERT_ALERT.run(
            conn,
            id=alert_id,
            tenant_id=tenant_id,
            schedule_id=schedule_id,
            alert_type="threshold",
            alert_name=params.alert_name,
            recipients=params.recipients,
            source_id=source.id,
            query=params.query,
            unit=params.unit,
        )
        INSERT_THRESHOLD.run(
            conn,
            alert_id=alert_id,
            tenant_id=tenant_id,
            condition=params.condition,
            threshold_value=params.threshold_value,
            threshold_high=params.threshold_high,
        )
        return schedules.get(conn, tenant_id, schedule_id)
