-- Makes a disabled webhook active again. Index: webhooks' key (tenant_id, id).
update webhooks as w
set status = 'active', disabled_reason = null, updated_at = now()
where w.tenant_id = %(tenant_id)s and w.id = %(id)s
