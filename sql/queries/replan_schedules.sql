-- Has schedules planned anew from now on, each with its next fire time; a trigger raises their versions and keeps them.
-- The caller holds them. Index: schedules' key, an id at a time: see plan_slots.sql.
update schedules as s
set plan_from = now(), next_fire_at = p.next_fire_at
from unnest(%(ids)s::uuid[], %(next_fire_at)s::timestamptz[]) as p (id, next_fire_at)
where s.tenant_id = %(tenant_id)s and s.id = any(array[p.id])
