-- Skips the new runs whose gate an earlier run still holds, where their schedule's overlap policy is skip.
-- Retries, replays, manual runs and backfills wait instead. Locks: the gates, then the pending runs.
with gates as (
    select g.schedule_id, g.run_id from schedule_gates as g
    inner join schedules as s on g.schedule_id = s.id
    where g.schedule_id = any(%(schedule_ids)s::uuid[]) and s.overlap_policy = 'skip'
    order by g.schedule_id
    for update of g
)

update runs as r
set
    state = 'skipped', reason = 'overlap', fence = r.fence + 1, skipped_until = r.slot_at, skipped_count = 1,
    finished_at = now()
from gates
where
    r.schedule_id = gates.schedule_id and gates.run_id is not null and r.id <> gates.run_id
    and r.state = 'pending' and r.available_at = 'infinity' and r.origin = 'schedule' and r.attempt = 0
