-- Locks a tenant's channel for the caller's transaction. Index: channels' key (tenant_id, id).
select c.id from channels as c
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
for update
