-- Deletes a channel that no alert tells. Index: channels' key (tenant_id, id).
delete from channels as c where c.tenant_id = %(tenant_id)s and c.id = %(id)s
