-- The last run of a schedule whose slot had come by an instant, with what it decided. Index: runs_one_per_slot.
select r.id, r.slot_at, r.state, r.reason, r.error, r.outcome, r.finished_at
from runs as r
where
    r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s and r.slot_at <= %(at)s
    and r.origin in ('schedule', 'backfill')
order by r.slot_at desc
limit 1
