-- A tenant's dead letter by its id, or the newest of the run with that id; both ids carry the slot.
-- Index: dead_letters' key, dead_letters_one_per_death.
select
    d.id, d.run_id, d.slot_at, d.schedule_id, s.name as schedule_name, d.parent_run_id, d.item_key, d.kind, d.cause,
    d.error, d.attempts, d.fence, d.state, d.created_at, d.resolved_at, d.resolved_by
from dead_letters as d
left join schedules as s on d.tenant_id = s.tenant_id and d.schedule_id = s.id
where d.tenant_id = %(tenant_id)s and d.slot_at = %(slot_at)s and (d.id = %(id)s or d.run_id = %(id)s)
order by d.fence desc
limit 1
