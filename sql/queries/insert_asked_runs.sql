-- Makes the runs that somebody asked for, pending; the ticker releases them, at their schedule's gate where it has one.
-- A slot that has its run already gets no other: those are left out; one that was skipped gets it.
-- Answers the runs made.
-- Locks: nothing but the new rows. Index: runs_one_per_slot.
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, triggered_by, state, max_attempts,
    available_at, limited_by
)
select
    f.id, f.slot_at, s.tenant_id, s.id, s.version, s.kind, s.queue, %(origin)s, %(triggered_by)s, 'pending',
    s.max_attempts, case when s.overlap_policy = 'allow' then now() else 'infinity' end,
    limits_of(s.tenant_id, s.uses)
from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[]) as f (id, slot_at)
cross join schedules as s
where s.tenant_id = %(tenant_id)s and s.id = %(schedule_id)s
on conflict do nothing
returning id, slot_at
