-- Keeps what a recipient did by a link; no row: they did it before. Its alert is the one that the schedule drives.
-- Index: message_actions_once, kpi_alerts' key of its schedule.
insert into message_actions (
    tenant_id, delivery_id, run_id, schedule_id, alert_id, action, until, acted_by
)
values (
    %(tenant_id)s, %(delivery_id)s, %(run_id)s, %(schedule_id)s,
    (select a.id from kpi_alerts as a where a.tenant_id = %(tenant_id)s and a.schedule_id = %(schedule_id)s),
    %(action)s, now() + make_interval(secs => %(seconds)s::float8), %(acted_by)s
)
on conflict (tenant_id, delivery_id, action) do nothing
returning until
