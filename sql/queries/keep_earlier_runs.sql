-- Shuts the gate of a schedule that had none until every run of it that is open now is over.
-- The caller holds the schedule.
-- Locks: the gate. Index: schedule_gates' key, runs_one_per_slot, runs_on_demand.
update schedule_gates as g
set earlier_ids = found.ids, earlier_slots = found.slots
from (
    select array_agg(r.id) as ids, array_agg(r.slot_at) as slots
    from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s and r.finished_at is null
        and r.available_at < 'infinity'
) as found
where g.tenant_id = %(tenant_id)s and g.schedule_id = %(schedule_id)s and found.ids is not null
