-- Cancels every open run of a restored copy, whose processes are elsewhere, and frees the gates.
-- Locks: the runs in the order of their ids, then their gates. Index: runs_pending, runs_released.
with
locked as (
    select r.id, r.slot_at, r.state = 'running' as is_begun from runs as r
    where r.state in ('pending', 'queued', 'running') and r.finished_at is null
    order by r.id
    for update
),

moved as (
    update runs as r
    set
        state = 'cancelled', reason = 'restored', fence = r.fence + 1, finished_at = now(), leased_by = null,
        deadline_at = null, cancel_requested_at = coalesce(r.cancel_requested_at, now()),
        error = case when locked.is_begun then 'it was under way when the copy was made' else r.error end
    from locked
    where r.id = locked.id and r.slot_at = locked.slot_at
    returning r.id, r.slot_at, r.tenant_id, r.fence, r.attempt, r.started_at, r.error, locked.is_begun
),

attempts as (
    insert into run_attempts (run_id, slot_at, tenant_id, fence, attempt, started_at, outcome, error)
    select id, slot_at, tenant_id, fence, attempt, started_at, 'expired', error from moved
    where is_begun
    returning 1
),

freed as (
    update schedule_gates as g
    set run_id = null, run_slot_at = null
    from moved
    where g.run_id = moved.id
    returning 1
)

select count(*) as value from moved
