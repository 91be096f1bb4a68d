-- A tenant's member by its id. Index: members' key (tenant_id, id).
select m.id, m.subject, m.email, m.name, m.role, m.disabled_at, m.created_at, m.updated_at
from members as m
where m.tenant_id = %(tenant_id)s and m.id = %(id)s
