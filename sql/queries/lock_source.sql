-- Locks a tenant's source for the caller's transaction. Index: sources' key (tenant_id, id).
select s.id from sources as s
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
for update
