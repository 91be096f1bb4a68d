-- A tenant's pulses with their channels and schedules, newest first, on from a place, or the one of an id. Sorted.
-- Index: pulse_configs', schedules', watches' and pulse_channels' keys.
select
    s.id, s.name, p.description, p.prompt, s.cron, s.interval_seconds, s.interval_anchor, s.scheduled_at, s.recurrence,
    s.timezone, p.names_zone, s.status, p.recipients, p.recipient_rules,
    array(
        select o.channel_id from pulse_channels as o
        where o.tenant_id = p.tenant_id and o.schedule_id = p.schedule_id
        order by o.position
    ) as channel_ids,
    p.graph_ids, p.on_model_failure, p.skip_if_nothing_notable, p.attachment, p.test_mode, p.template_id,
    s.deliver_within_seconds, w.late_since, s.last_run_at, s.next_fire_at, s.created_by, p.created_at,
    greatest(p.updated_at, s.updated_at) as updated_at
from pulse_configs as p
inner join schedules as s on p.tenant_id = s.tenant_id and p.schedule_id = s.id
left join watches as w on s.tenant_id = w.tenant_id and s.id = w.schedule_id
where
    p.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or p.schedule_id = %(id)s)
    and (%(before_at)s::timestamptz is null or (p.created_at, p.schedule_id) < (%(before_at)s, %(before_id)s::uuid))
order by p.created_at desc, p.schedule_id desc
limit %(room)s
