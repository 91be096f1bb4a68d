-- Every tenant, newest first, on from a place; the operator's view. Sorted.
select t.id, t.slug, t.name, t.status, t.settings, t.created_at, t.updated_at from tenants as t
where
    (%(status)s::text is null or t.status = %(status)s)
    and (%(before_at)s::timestamptz is null or (t.created_at, t.id) < (%(before_at)s, %(before_id)s::uuid))
order by t.created_at desc, t.id desc
limit %(room)s
