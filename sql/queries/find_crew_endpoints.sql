-- The tenant's crew endpoints of these names or ids, by name. Index: crew_endpoints' keys.
select e.id, e.name
from crew_endpoints as e
where e.tenant_id = %(tenant_id)s and (e.name = any(%(named)s::text[]) or e.id::text = any(%(named)s::text[]))
order by e.name
