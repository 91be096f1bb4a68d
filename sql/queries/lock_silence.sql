-- Locks a tenant's silence for the caller's transaction. Index: silences' key (tenant_id, id).
select s.id from silences as s
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
for update
