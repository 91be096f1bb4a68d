-- Replaces sealed params that nobody changed meanwhile, and by a trigger those of the schedule's latest version. Skips
-- rows that somebody holds. Index: schedules' key.
with
given as (
    select g.id, g.version, g.before::jsonb as before, g.after::jsonb as after
    from unnest(%(ids)s::uuid[], %(versions)s::integer[], %(before)s::text[], %(after)s::text[])
        as g (id, version, before, after)
),

held as (
    select s.id, g.version, g.after from given as g
    inner join schedules as s on g.id = s.id and g.before = s.params
    for update of s skip locked
)

update schedules as s set params = held.after from held
where s.id = held.id
returning s.id, held.version
