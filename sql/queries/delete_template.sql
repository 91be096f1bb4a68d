-- Deletes a template that no alert names. Index: templates' key (tenant_id, id, purpose).
delete from templates as t where t.tenant_id = %(tenant_id)s and t.id = %(id)s
