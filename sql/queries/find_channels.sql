-- The tenant's channels of these names or ids, by name. Index: channels' key.
select c.id, c.name, c.type
from channels as c
where c.tenant_id = %(tenant_id)s and (c.name = any(%(named)s::text[]) or c.id::text = any(%(named)s::text[]))
order by c.name
