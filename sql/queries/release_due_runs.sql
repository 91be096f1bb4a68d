-- Releases the pending runs under no limit whose time has come (retries and replays); answers the pointers to ring.
-- Locks: the runs returned, skipping those that another ticker holds. Index: runs_pending.
with due as (
    select r.id, r.slot_at from runs as r
    where
        r.state || '' = 'pending' and r.available_at <= now() and r.released_at is null and r.finished_at is null
        and r.limited_by is null
    order by r.available_at, r.id
    limit %(batch)s
    for update skip locked
)

update runs as r
set state = 'queued', fence = r.fence + 1, released_at = now(), reason = null
from due
where r.id = due.id and r.slot_at = due.slot_at
returning r.id, r.slot_at, r.fence, r.queue, r.kind, r.tenant_id
