-- A tenant's source by its name or its id, with all that opens it, and Postgres's time. Index: sources' keys.
select s.id, s.type, s.url, s.sealed_password, s.options, s.updated_at, t.slug as tenant, now() as now
from sources as s
inner join tenants as t on s.tenant_id = t.id
where s.tenant_id = %(tenant_id)s and (s.name = %(name)s or s.id::text = %(name)s)
order by s.id::text = %(name)s desc
limit 1
