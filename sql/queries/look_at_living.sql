-- Whether a ticker lives, and a worker that serves the queue; what is suspect each worker serves. Of the installation.
-- Locks nothing. Index: processes_live.
select
    coalesce(bool_or(p.role = 'ticker'), false) as has_ticker,
    coalesce(bool_or(p.role = 'worker' and (%(queue)s = 'suspect' or %(queue)s = any(p.queues))), false) as has_worker
from processes as p
where p.lost_at is null and p.stopped_at is null and p.leased_until >= now()
