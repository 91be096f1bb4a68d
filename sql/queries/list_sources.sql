-- A tenant's sources without their passwords, newest first, on from a place. Sorted.
-- Index: sources' key (tenant_id, id).
select s.id, s.name, s.type, s.url, s.options, s.created_at, s.updated_at, s.sealed_password is not null as has_password
from sources as s
where
    s.tenant_id = %(tenant_id)s
    and (%(before_at)s::timestamptz is null or (s.created_at, s.id) < (%(before_at)s, %(before_id)s::uuid))
order by s.created_at desc, s.id desc
limit %(room)s
