-- The endpoints of crews that give no answer while nobody is there to be told of it, the longest first; of all tenants.
-- Takes no lock. Index: limits_open, crew_endpoints' key.
select t.slug, e.name, l.open_since
from limits as l
inner join crew_endpoints as e on l.tenant_id = e.tenant_id and l.name = 'endpoint:' || e.id
inner join tenants as t on l.tenant_id = t.id
where l.open_since is not null and not l.is_told and not has_owner(l.tenant_id)
order by l.open_since
limit %(room)s
