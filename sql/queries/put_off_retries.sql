-- Puts off further attempts for which there is no budget, each by so many seconds, and says why. The caller holds their
-- limits. Locks: the runs in the order of their ids, skipping those that somebody changes. Index: runs' key.
with locked as (
    select r.id, r.slot_at from runs as r
    where
        r.id = any(%(ids)s::uuid[]) and r.slot_at = any(%(slots)s::timestamptz[])
        and r.state = 'pending' and r.limited_by is not null and r.available_at <= now()
    order by r.id
    for update skip locked
)

update runs as r
set reason = 'retry_budget', available_at = now() + make_interval(secs => g.seconds)
from locked
inner join unnest(%(ids)s::uuid[], %(seconds)s::float8[]) as g (id, seconds) on locked.id = g.id
where r.id = locked.id and r.slot_at = locked.slot_at
