-- A tenant's released runs that no worker has leased yet, by queue, of at most `room` that are released and not over.
-- Takes no lock. Index: runs_released_of_tenant.
select f.queue, count(*) as runs
from (
    select r.queue, r.state from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.released_at is not null and r.finished_at is null and r.released_at <= now()
    limit %(room)s
) as f
where f.state = 'queued'
group by f.queue
order by f.queue
