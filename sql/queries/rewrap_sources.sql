-- Replaces sealed passwords that nobody changed meanwhile. Skips rows that somebody holds. Index: sources' key.
with
given as (
    select g.id, g.version, g.before::jsonb #>> '{}' as before, g.after::jsonb #>> '{}' as after
    from unnest(%(ids)s::uuid[], %(versions)s::integer[], %(before)s::text[], %(after)s::text[])
        as g (id, version, before, after)
),

held as (
    select s.id, g.version, g.after from given as g
    inner join sources as s on g.id = s.id and g.before = s.sealed_password
    for update of s skip locked
)

update sources as s set sealed_password = held.after from held
where s.id = held.id
returning s.id, held.version
