-- Makes a run of a schedule for now that tries it: past its gate, once, by the schedule's params with some replaced.
-- Locks: nothing but the new row. Index: schedules' key.
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, triggered_by, state, max_attempts,
    available_at, params, limited_by
)
select
    %(id)s, %(slot_at)s, s.tenant_id, s.id, s.version, s.kind, s.queue, 'test', %(triggered_by)s, 'pending', 1, now(),
    s.params || %(params)s, limits_of(s.tenant_id, s.uses)
from schedules as s
where s.tenant_id = %(tenant_id)s and s.id = %(schedule_id)s
returning id, slot_at
