-- Runs released more than `age` seconds ago and not leased: their message was lost, or is still queued behind others.
-- Takes no lock: start_runs decides who gets them. Index: runs_released.
select r.id, r.slot_at, r.fence
from runs as r
where
    r.state || '' = 'queued' and r.queue = any(%(queues)s::text[])
    and r.released_at < now() - make_interval(secs => %(age)s) and r.finished_at is null
order by r.released_at, r.id
limit %(room)s
