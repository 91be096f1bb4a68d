-- Locks a tenant's graph for the caller's transaction. Index: graphs' key (tenant_id, id).
select g.id from graphs as g
where g.tenant_id = %(tenant_id)s and g.id = %(id)s
for update
