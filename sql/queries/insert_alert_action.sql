-- Keeps what somebody did about an alert by hand, as a recipient does by a mail's link; no row: there is no such alert.
-- Index: kpi_alerts' key.
insert into message_actions (tenant_id, schedule_id, alert_id, segment, action, until, acted_by)
select
    a.tenant_id, a.schedule_id, a.id, %(segment)s, %(action)s,
    now() + make_interval(secs => %(seconds)s::float8), %(acted_by)s
from kpi_alerts as a
where a.tenant_id = %(tenant_id)s and a.id = %(alert_id)s
returning action, segment, until, created_at
