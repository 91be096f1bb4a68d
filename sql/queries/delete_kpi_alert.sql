-- Deletes an alert with its child and what it remembers; its schedule is stopped by the caller, and its runs stay.
-- Index: kpi_alerts' key (tenant_id, id), alert_states' and its child's keys.
with
threshold as (
    delete from kpi_thresholds as t where t.tenant_id = %(tenant_id)s and t.kpi_alert_id = %(id)s
    returning 1
),

schedule as (
    delete from kpi_schedules as k where k.tenant_id = %(tenant_id)s and k.kpi_alert_id = %(id)s
    returning 1
),

states as (
    delete from alert_states as s where s.tenant_id = %(tenant_id)s and s.alert_id = %(id)s
    returning 1
)

delete from kpi_alerts as a where a.tenant_id = %(tenant_id)s and a.id = %(id)s
