-- The runs made ahead whose instant has not come, for a ticker that takes over their rings.
-- Takes no lock. Index: runs_released.
select r.id, r.slot_at, r.fence, r.queue, r.kind, r.tenant_id, r.released_at as fire_at
from runs as r
where
    r.queue = any(%(queues)s::text[]) and r.released_at > now() and r.finished_at is null and r.state || '' = 'queued'
