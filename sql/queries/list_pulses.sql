-- A tenant's pulses with their schedules, newest first, on from a place, or the one of an id. Sorted.
-- Index: pulse_configs' and schedules' keys.
select
    s.id, s.name, p.description, p.prompt, s.cron, s.timezone, s.status, p.recipients, p.graph_ids, p.on_model_failure,
    p.skip_if_nothing_notable, p.attachment, p.test_mode, s.last_run_at, s.next_fire_at, s.created_by, p.created_at,
    greatest(p.updated_at, s.updated_at) as updated_at
from pulse_configs as p
inner join schedules as s on p.tenant_id = s.tenant_id and p.schedule_id = s.id
where
    p.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or p.schedule_id = %(id)s)
    and (%(before_at)s::timestamptz is null or (p.created_at, p.schedule_id) < (%(before_at)s, %(before_id)s::uuid))
order by p.created_at desc, p.schedule_id desc
limit %(room)s
