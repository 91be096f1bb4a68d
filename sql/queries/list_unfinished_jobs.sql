-- The open runs of a pulse that nobody asked to stop, but its previews. Index: runs_one_per_slot, runs_on_demand.
select r.id, r.slot_at
from runs as r
where
    r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s and r.state in ('pending', 'queued', 'running')
    and r.cancel_requested_at is null and r.origin <> 'test'
order by r.id
