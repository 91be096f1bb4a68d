-- The schedules with a run at their gate for which there is something to do: first those whose gate is free, then those
-- whose policy does not let the run just wait. A thousand that wait behind open runs keep nobody from being found.
-- Index: runs_waiting, schedule_gates' key.
select w.schedule_id
from (
    select distinct r.schedule_id from runs as r
    where r.state || '' = 'pending' and r.available_at = 'infinity' and r.finished_at is null
) as w
inner join schedule_gates as g on w.schedule_id = g.schedule_id
inner join schedules as s on w.schedule_id = s.id
where
    g.run_id is null
    or s.overlap_policy = 'skip' and exists (
        select from runs as r
        where
            r.schedule_id = w.schedule_id and r.state || '' = 'pending' and r.available_at = 'infinity'
            and r.finished_at is null and r.origin = 'schedule' and r.attempt = 0
    )
    or s.overlap_policy = 'cancel_running' and exists (
        select from runs as h
        where h.id = g.run_id and h.slot_at = g.run_slot_at and h.cancel_requested_at is null
    )
order by g.run_id is not null, w.schedule_id
limit 1000
