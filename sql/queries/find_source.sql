-- A tenant's source by its id as it is shown. Index: sources' key (tenant_id, id).
select s.id, s.name, s.type, s.url, s.options, s.created_at, s.updated_at, s.sealed_password is not null as has_password
from sources as s
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
