-- Deletes a silence that never began. Index: silences' key (tenant_id, id).
delete from silences as s where s.tenant_id = %(tenant_id)s and s.id = %(id)s
