-- Replaces sealed credentials that nobody changed meanwhile. Skips rows that somebody holds. Index: channels' key.
with
given as (
    select g.id, g.version, g.before::jsonb #>> '{}' as before, g.after::jsonb #>> '{}' as after
    from unnest(%(ids)s::uuid[], %(versions)s::integer[], %(before)s::text[], %(after)s::text[])
        as g (id, version, before, after)
),

held as (
    select c.id, g.version, g.after from given as g
    inner join channels as c on g.id = c.id and g.before = c.sealed_credential
    for update of c skip locked
)

update channels as c set sealed_credential = held.after from held
where c.id = held.id
returning c.id, held.version
