-- Which of these slots of a schedule have their run, oldest first; one that was skipped has none.
-- Index: runs_one_per_slot.
select r.slot_at
from runs as r
where
    r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s and r.origin in ('schedule', 'backfill')
    and r.skipped_until is null and r.slot_at >= %(first_at)s and r.slot_at <= %(last_at)s
order by r.slot_at
