-- The attempts of a run that ended, oldest first. Index: run_attempts' key.
select a.fence, a.attempt, a.process_id, a.started_at, a.finished_at, a.outcome, a.error, a.traceback
from run_attempts as a
where a.tenant_id = %(tenant_id)s and a.run_id = %(run_id)s and a.slot_at = %(slot_at)s
order by a.fence
