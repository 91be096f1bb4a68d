-- The processes that live, and those that ended or were lost within the last day; newest first.
select
    p.id, p.role, p.host, p.pid, p.version, p.queues, p.threads, p.started_at, p.seen_at, p.leased_until,
    case
        when p.stopped_at is not null then 'stopped'
        when p.lost_at is not null or p.leased_until < now() then 'lost'
        else 'alive'
    end as state
from processes as p
where coalesce(p.stopped_at, p.lost_at, now()) > now() - interval '1 day'
order by p.started_at desc, p.id asc
limit 500
