-- Locks a tenant's template for the caller's transaction. Index: templates' key (tenant_id, id, purpose).
select t.id from templates as t
where t.tenant_id = %(tenant_id)s and t.id = %(id)s
for update
