-- Records ranges of slots that did not fire: one skipped run a range; its outcome names the newest slots of a kind that
-- makes up for them.
-- Locks: nothing new. Index: runs_one_per_slot.
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, reason, available_at,
    skipped_until, skipped_count, finished_at, outcome
)
select
    k.id, k.slot_at, s.tenant_id, s.id, s.version, s.kind, s.queue, 'schedule', 'skipped', k.reason, now(),
    k.skipped_until, k.skipped_count, now(), k.outcome::jsonb
from
    unnest(
        %(ids)s::uuid[], %(slots)s::timestamptz[], %(schedules)s::uuid[], %(untils)s::timestamptz[],
        %(counts)s::bigint[], %(reasons)s::text[], %(outcomes)s::text[]
    ) as k (id, slot_at, schedule_id, skipped_until, skipped_count, reason, outcome)
inner join schedules as s on k.schedule_id = s.id
on conflict (schedule_id, slot_at, (skipped_until is not null)) where origin in ('schedule', 'backfill') do nothing
