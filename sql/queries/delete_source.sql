-- Deletes a source that nothing reads. Index: sources' key (tenant_id, id).
delete from sources as s where s.tenant_id = %(tenant_id)s and s.id = %(id)s
