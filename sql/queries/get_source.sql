-- A tenant's source by its name or its id. Index: sources' keys.
select s.id, s.type, s.url, s.sealed_password from sources as s
where s.tenant_id = %(tenant_id)s and (s.name = %(name)s or s.id::text = %(name)s)
order by s.id::text = %(name)s desc
limit 1
