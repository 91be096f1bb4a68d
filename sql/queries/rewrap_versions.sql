-- Replaces sealed params of versions that nobody changed meanwhile. Skips rows that somebody holds. Index:
-- schedule_versions' key.
with
given as (
    select g.id, g.version, g.before::jsonb as before, g.after::jsonb as after
    from unnest(%(ids)s::uuid[], %(versions)s::integer[], %(before)s::text[], %(after)s::text[])
        as g (id, version, before, after)
),

held as (
    select v.schedule_id, v.version, g.after from given as g
    inner join schedule_versions as v on g.id = v.schedule_id and g.version = v.version and g.before = v.params
    for update of v skip locked
)

update schedule_versions as v set params = held.after from held
where v.schedule_id = held.schedule_id and v.version = held.version
returning v.schedule_id as id, v.version
