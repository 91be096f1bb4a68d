-- Reopens a dead run under the fence it died with, and marks its dead letter replayed; no row: it is not dead by that
-- fence any more. It gets as many attempts again as its schedule gives, or that of the run that made it, in its
-- schedule's queue, and waits at the gate where there is one. A one-time schedule that failed by this death is active
-- until the run is over again, and ends as it does. Locks: the run, then its schedule and its dead letters.
-- Index: runs' key, schedules' key.
with
locked as (
    select r.id, r.slot_at from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.id = %(id)s and r.slot_at = %(slot_at)s
        and r.state = 'dead' and r.fence = %(fence)s
    for update
),

defined as (
    select
        locked.id, locked.slot_at, coalesce(s.max_attempts, m.max_attempts) as max_attempts, s.queue,
        coalesce(s.overlap_policy <> 'allow', false) as is_gated
    from locked
    inner join runs as r on locked.id = r.id and locked.slot_at = r.slot_at
    left join schedules as s on r.schedule_id = s.id
    left join runs as p on r.parent_run_id = p.id and r.slot_at = p.slot_at and p.slot_at = %(slot_at)s
    left join schedules as m on p.schedule_id = m.id
    where r.slot_at = %(slot_at)s
),

reopened as (
    update runs as r
    set
        state = 'pending', fence = r.fence + 1, reason = 'replayed', finished_at = null, cancel_requested_at = null,
        max_attempts = r.attempt + coalesce(d.max_attempts, 1), queue = coalesce(d.queue, r.queue),
        available_at = case when d.is_gated then 'infinity' else now() end
    from defined as d
    where r.id = d.id and r.slot_at = d.slot_at and r.slot_at = %(slot_at)s
    returning r.id, r.slot_at, r.tenant_id, r.schedule_id, r.origin
),

revived as (
    update schedules as s
    set status = 'active', updated_at = now()
    from reopened as r
    where
        s.tenant_id = r.tenant_id and s.id = r.schedule_id and s.status = 'failed' and s.scheduled_at is not null
        and s.next_fire_at is null and r.origin in ('schedule', 'backfill')
    returning 1
),

resolved as (
    update dead_letters as d
    set state = 'replayed', resolved_at = now(), resolved_by = %(resolved_by)s
    from reopened
    where
        d.run_id = reopened.id and d.slot_at = reopened.slot_at and d.slot_at = %(slot_at)s
        and d.fence = %(fence)s and d.state <> 'replayed'
    returning 1
)

select id, slot_at from reopened
