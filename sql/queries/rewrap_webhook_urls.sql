-- Replaces sealed addresses that nobody changed meanwhile. Skips rows that somebody holds. Index: webhooks' key.
with
given as (
    select g.id, g.version, g.before::jsonb #>> '{}' as before, g.after::jsonb #>> '{}' as after
    from unnest(%(ids)s::uuid[], %(versions)s::integer[], %(before)s::text[], %(after)s::text[])
        as g (id, version, before, after)
),

held as (
    select w.id, g.version, g.after from given as g
    inner join webhooks as w on g.id = w.id and g.before = w.sealed_url
    for update of w skip locked
)

update webhooks as w set sealed_url = held.after from held
where w.id = held.id
returning w.id, held.version
