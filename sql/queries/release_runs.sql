-- Gives leased runs back unstarted or cut short by a stop: pending at once, the attempt not counted; those that were to
-- be cancelled are cancelled. Locks: the runs in the order of their ids, then their gates.
-- Index: runs' key (`state || ''`: see start_runs.sql).
with
locked as (
    select r.id, r.slot_at
    from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[], %(fences)s::bigint[]) as g (id, slot_at, fence)
    inner join runs as r on g.id = r.id and g.slot_at = r.slot_at
    where r.fence = g.fence and r.state || '' = 'running' and r.slot_at between %(low)s and %(high)s
    order by r.id
    for update of r
),

released as (
    update runs as r
    set
        state = case when r.cancel_requested_at is null then 'pending' else 'cancelled' end,
        finished_at = case when r.cancel_requested_at is not null then now() end,
        fence = r.fence + 1, attempt = r.attempt - 1, leased_by = null, deadline_at = null, reason = %(reason)s,
        available_at = now() + make_interval(secs => %(delay)s)
    from locked
    where r.id = locked.id and r.slot_at = locked.slot_at and r.slot_at between %(low)s and %(high)s
    returning r.id, r.state
)

update schedule_gates as g
set run_id = null, run_slot_at = null
from released
where g.run_id = released.id and released.state = 'cancelled'
