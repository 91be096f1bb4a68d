-- Locks a tenant's webhook for the caller's transaction. Index: webhooks' key (tenant_id, id).
select w.id from webhooks as w
where w.tenant_id = %(tenant_id)s and w.id = %(id)s
for update
