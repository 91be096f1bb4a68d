-- A tenant's members, newest first, on from a place. Index: members_of_tenant.
select m.id, m.subject, m.email, m.name, m.role, m.disabled_at, m.created_at, m.updated_at
from members as m
where
    m.tenant_id = %(tenant_id)s
    and (%(role)s::text is null or m.role = %(role)s)
    and (%(before_at)s::timestamptz is null or (m.created_at, m.id) < (%(before_at)s, %(before_id)s::uuid))
order by m.created_at desc, m.id desc
limit %(room)s
