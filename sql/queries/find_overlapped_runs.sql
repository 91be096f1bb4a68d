-- The runs to be cancelled because a newer one waits for their gate and the overlap policy is cancel_running; those
-- that were asked before are left alone. Index: schedule_gates' key, runs' key, runs_waiting.
select g.run_id as id, g.run_slot_at as slot_at
from schedule_gates as g
inner join schedules as s on g.schedule_id = s.id
where
    g.schedule_id = any(%(schedule_ids)s::uuid[]) and s.overlap_policy = 'cancel_running' and g.run_id is not null
    and exists (
        select from runs as r
        where
            r.schedule_id = g.schedule_id
            and r.state || '' = 'pending'
            and r.available_at = 'infinity'
            and r.finished_at is null
    )
    and exists (
        select from runs as h
        where h.id = g.run_id and h.slot_at = g.run_slot_at and h.cancel_requested_at is null
    )
