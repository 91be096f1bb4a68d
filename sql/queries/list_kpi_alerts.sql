-- A tenant's KPI alerts with their channels, schedules, thresholds and worst states, newest first, on from a place, or
-- the one of an id; of a type, in a state, active or not, and with a text in their names, where that is given. Sorted.
-- Index: kpi_alerts' key (tenant_id, id), schedules', watches' and kpi_thresholds' keys, alert_states' key,
-- kpi_alert_channels' key.
select
    a.id, a.alert_name as name, a.description, a.alert_type, a.recipients, a.recipient_rules, a.graph_id,
    a.dashboard_id, a.template_id, a.schedule_id,
    array(
        select o.channel_id from kpi_alert_channels as o
        where o.tenant_id = a.tenant_id and o.kpi_alert_id = a.id
        order by o.position
    ) as channel_ids,
    s.deliver_within_seconds, w.late_since, s.status, s.cron, s.interval_seconds, s.interval_anchor, s.scheduled_at,
    s.recurrence, s.timezone, s.calendar_id, s.tags, s.version, s.next_fire_at, s.last_run_at,
    t.condition, t.threshold_value, t.threshold_high, t.policy, k.frequency_interval, k.schedule_hour,
    k.schedule_minute, k.selected_days, k.gating_condition, k.attachment_type, k.options,
    q.state,
    s.created_by, a.created_at, greatest(a.updated_at, s.updated_at) as updated_at
from kpi_alerts as a
inner join schedules as s on a.tenant_id = s.tenant_id and a.schedule_id = s.id
left join watches as w on s.tenant_id = w.tenant_id and s.id = w.schedule_id
left join kpi_thresholds as t on a.tenant_id = t.tenant_id and a.id = t.kpi_alert_id
left join kpi_schedules as k on a.tenant_id = k.tenant_id and a.id = k.kpi_alert_id
left join lateral (
    select e.state from alert_states as e
    where e.tenant_id = a.tenant_id and e.alert_id = a.id
    order by array_position(array['firing', 'recovering', 'error', 'no_data', 'pending', 'ok'], e.state)
    limit 1
) as q on true
where
    a.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or a.id = %(id)s)
    and (%(alert_type)s::text is null or a.alert_type = %(alert_type)s)
    and (%(state)s::text is null or q.state = %(state)s)
    and (%(is_active)s::boolean is null or (s.status = 'active') = %(is_active)s)
    and (%(search)s::text is null or strpos(lower(a.alert_name), lower(%(search)s)) > 0)
    and (%(before_at)s::timestamptz is null or (a.created_at, a.id) < (%(before_at)s, %(before_id)s::uuid))
order by a.created_at desc, a.id desc
limit %(room)s
