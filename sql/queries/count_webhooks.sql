-- How many webhooks a tenant has. Index: webhooks' key (tenant_id, id).
select count(*) as value from webhooks as w where w.tenant_id = %(tenant_id)s
