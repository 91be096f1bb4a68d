-- Takes back the runs of a schedule that were made ahead of their instant, as if they had not been planned yet: whoever
-- edits, pauses or cancels it decides anew. The caller holds the lock of the schedule; a start that comes first wins.
-- Locks: those runs. Index: runs_one_per_slot, and no more of its partitions than a jitter can reach back.
with
unmade as (
    delete from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.schedule_id = %(id)s and r.origin = 'schedule'
        and r.slot_at > now() - interval '1 day' and r.attempt = 0 and (
            r.state = 'queued' and r.released_at > now()
            -- One that was given back waits too, but it was released before.
            or r.state = 'pending' and r.fence = 0 and r.limited_by is not null and r.available_at > now()
            and r.available_at < 'infinity'
        )
    returning r.slot_at, coalesce(r.released_at, r.available_at) as fire_at
),

first as (
    select min(slot_at) as slot_at, min(fire_at) as fire_at, count(*) as made from unmade
)

update schedules as s
set
    next_fire_at = first.fire_at, run_count = s.run_count - first.made,
    last_slot_at = (
        select max(coalesce(r.skipped_until, r.slot_at)) from runs as r
        where
            r.tenant_id = %(tenant_id)s and r.schedule_id = %(id)s and r.origin in ('schedule', 'backfill')
            and r.slot_at < first.slot_at
    )
from first
where s.tenant_id = %(tenant_id)s and s.id = %(id)s and first.made > 0
