-- The attempts of a run that ended, oldest first; of one that succeeded the run itself tells.
-- Index: run_attempts' key, runs' key.
select a.fence, a.attempt, a.process_id, a.started_at, a.finished_at, a.outcome, a.error, a.traceback
from run_attempts as a
where a.tenant_id = %(tenant_id)s and a.run_id = %(run_id)s and a.slot_at = %(slot_at)s
union all
select r.fence, r.attempt, r.leased_by, r.started_at, r.finished_at, 'done', null, null
from runs as r
where r.tenant_id = %(tenant_id)s and r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.state = 'succeeded'
order by fence
