-- Cancels open runs: at once when nobody works on them, otherwise by asking their worker. Frees their gates.
-- Answers the rows touched with their kind and new state. Locks: the runs in the order of their ids, then their gates.
with
locked as (
    select r.id, r.slot_at from runs as r
    where
        r.id = any(%(ids)s::uuid[]) and r.slot_at = any(%(slots)s::timestamptz[])
        and r.state in ('pending', 'queued', 'running')
    order by r.id
    for update
),

touched as (
    update runs as r
    set
        state = case when r.state = 'running' then r.state else 'cancelled' end,
        fence = case when r.state = 'running' then r.fence else r.fence + 1 end,
        reason = case when r.state = 'running' then r.reason else %(reason)s end,
        finished_at = case when r.state = 'running' then r.finished_at else now() end,
        cancel_requested_at = coalesce(r.cancel_requested_at, now())
    from locked
    where r.id = locked.id and r.slot_at = locked.slot_at
    returning r.id, r.kind, r.state
),

freed as (
    update schedule_gates as g
    set run_id = null, run_slot_at = null
    from touched
    where g.run_id = touched.id and touched.state = 'cancelled'
    returning 1
)

select id, kind, state from touched
