-- Locks a tenant's limit for the caller's transaction: no run is released under it meanwhile.
-- Index: limits' key (tenant_id, id).
select l.id from limits as l
where l.tenant_id = %(tenant_id)s and l.id = %(id)s
for update
