-- What a tenant's crew endpoint is called with, sealed. Index: crew_endpoints' key (tenant_id, id).
select e.sealed_headers from crew_endpoints as e
where e.tenant_id = %(tenant_id)s and e.id = %(id)s
