-- Releases these runs under limits; answers the pointers to ring. The caller holds their limits.
-- Locks: the runs in the order of their ids, skipping those that somebody changes or erases: they are looked at again.
-- Index: runs' key.
with locked as (
    select r.id, r.slot_at from runs as r
    where
        r.id = any(%(ids)s::uuid[]) and r.slot_at = any(%(slots)s::timestamptz[])
        and r.state = 'pending' and r.limited_by is not null and r.available_at <= now()
    order by r.id
    for update skip locked
)

update runs as r
set state = 'queued', fence = r.fence + 1, released_at = now(), reason = null
from locked
where r.id = locked.id and r.slot_at = locked.slot_at
returning r.id, r.slot_at, r.fence, r.queue, r.kind, r.tenant_id
