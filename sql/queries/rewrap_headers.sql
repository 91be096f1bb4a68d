-- Replaces sealed headers that nobody changed meanwhile. Skips rows that somebody holds. Index: crew_endpoints' key.
with
given as (
    select g.id, g.version, g.before::jsonb #>> '{}' as before, g.after::jsonb #>> '{}' as after
    from unnest(%(ids)s::uuid[], %(versions)s::integer[], %(before)s::text[], %(after)s::text[])
        as g (id, version, before, after)
),

held as (
    select c.id, g.version, g.after from given as g
    inner join crew_endpoints as c on g.id = c.id and g.before = c.sealed_headers
    for update of c skip locked
)

update crew_endpoints as c set sealed_headers = held.after from held
where c.id = held.id
returning c.id, held.version
