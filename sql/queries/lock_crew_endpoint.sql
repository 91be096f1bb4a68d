-- Locks a tenant's crew endpoint for the caller's transaction. Index: crew_endpoints' key (tenant_id, id).
select e.id from crew_endpoints as e
where e.tenant_id = %(tenant_id)s and e.id = %(id)s
for update
