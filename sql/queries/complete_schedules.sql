-- Ends the schedules that have no slot to come and no open run: failed when a one-time run died, else completed.
-- Locks: the schedules, skipping those that another ticker holds. Index: schedules_ending, runs_one_per_slot.
with over as (
    select s.id from schedules as s
    where
        s.status = 'active' and s.next_fire_at is null
        and not exists (
            select from runs as r
            where
                r.schedule_id = s.id and r.origin in ('schedule', 'backfill')
                and r.state in ('pending', 'queued', 'running')
        )
    order by s.id
    limit 500
    for update skip locked
)

update schedules as s
set
    updated_at = now(),
    status = case
        when s.scheduled_at is not null and exists (
            select from runs as r where r.schedule_id = s.id and r.origin = 'schedule' and r.state = 'dead'
        ) then 'failed'
        else 'completed'
    end
from over
where s.id = over.id
returning s.id, s.status
