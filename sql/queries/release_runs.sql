-- Gives runs that a process leased back, unstarted or cut short by a stop: pending at once, the attempt not counted.
-- Those that were to be cancelled are cancelled. Answers each with its new state.
-- Locks: the runs in the order of their ids, then their gates.
-- Index: runs' key (its shape: see start_runs.sql).
with
locked as (
    select r.id, r.slot_at
    from (
        select u.id, u.slot_at, u.fence
        from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[], %(fences)s::bigint[]) as u (id, slot_at, fence)
        order by u.id
    ) as w
    cross join lateral (
        select q.id, q.slot_at
        from runs as q
        where
            q.id = w.id and q.slot_at = w.slot_at and q.fence = w.fence and q.state || '' = 'running'
            and q.leased_by = %(process_id)s
        for update
    ) as r
),

released as (
    update runs as r
    set
        state = case when r.cancel_requested_at is null then 'pending' else 'cancelled' end,
        finished_at = case when r.cancel_requested_at is not null then now() end,
        fence = r.fence + 1, attempt = r.attempt - 1, leased_by = null, deadline_at = null, reason = %(reason)s,
        available_at = greatest(now() + make_interval(secs => %(delay)s), r.released_at)
    from locked
    where r.id = any(array[locked.id]) and r.slot_at = any(array[locked.slot_at])
    returning r.id, r.kind, r.state
),

freed as (
    update schedule_gates as g
    set run_id = null, run_slot_at = null
    from released
    where g.run_id = released.id and released.state = 'cancelled'
    returning 1
)

select id, kind, state from released
