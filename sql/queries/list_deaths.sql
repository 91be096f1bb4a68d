-- The dead letters of a run, oldest first. Index: dead_letters_one_per_death.
select
    d.id, d.run_id, d.slot_at, d.schedule_id, s.name as schedule_name, d.parent_run_id, d.item_key, d.kind, d.cause,
    d.error, d.attempts, d.fence, d.state, d.created_at, d.resolved_at, d.resolved_by
from dead_letters as d
left join schedules as s on d.tenant_id = s.tenant_id and d.schedule_id = s.id
where d.tenant_id = %(tenant_id)s and d.run_id = %(run_id)s and d.slot_at = %(slot_at)s
order by d.fence
