-- Deletes a webhook; what was to be sent to it finds it gone. Index: webhooks' key (tenant_id, id).
delete from webhooks as w where w.tenant_id = %(tenant_id)s and w.id = %(id)s
