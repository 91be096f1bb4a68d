-- A tenant's sources by name, without their passwords. Index: sources' key (tenant_id, name).
select s.id, s.name, s.type, s.url, s.created_at, s.updated_at, s.sealed_password is not null as has_password
from sources as s
where s.tenant_id = %(tenant_id)s
order by s.name
