-- Changes a silence, which the caller holds. Index: silences' key (tenant_id, id).
update silences as s
set name = %(name)s, ends_at = %(ends_at)s, updated_at = now()
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
