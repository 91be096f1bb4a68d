-- A tenant's channels, newest first, on from a place, or the one of an id. Sorted.
-- Index: channels' key (tenant_id, id).
select c.id, c.name, c.type, c.origin, c.options, c.created_at, c.updated_at
from channels as c
where
    c.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or c.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (c.created_at, c.id) < (%(before_at)s, %(before_id)s::uuid))
order by c.created_at desc, c.id desc
limit %(room)s
