-- A tenant's released runs that no worker has leased yet, by queue, of the newest `room` slots of the last day.
-- Takes no lock. Index: runs_of_tenant. An index of their own, of what is released by tenant, drew the plans of the
-- engine's own statements to it.
select f.queue, count(*) as runs, min(f.seen) as seen
from (
    select r.queue, r.state, r.released_at, count(*) over () as seen from (
        select q.queue, q.state, q.released_at from runs as q
        where q.tenant_id = %(tenant_id)s and q.slot_at > now() - interval '1 day' and q.slot_at <= now()
        order by q.slot_at desc, q.id desc
        limit %(room)s
    ) as r
) as f
where f.state = 'queued' and f.released_at <= now()
group by f.queue
order by f.queue
