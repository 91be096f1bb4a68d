-- Locks a tenant's dashboard for the caller's transaction. Index: dashboards' key (tenant_id, id).
select d.id from dashboards as d
where d.tenant_id = %(tenant_id)s and d.id = %(id)s
for update
