-- The runs that a process leases. Takes no lock. Index: runs_released.
select r.id, r.slot_at, r.fence
from runs as r
where
    r.state || '' = 'running' and r.leased_by = %(process_id)s and r.released_at is not null
    and r.finished_at is null
