-- Deletes a dashboard that no alert sends. Index: dashboards' key (tenant_id, id).
delete from dashboards as d where d.tenant_id = %(tenant_id)s and d.id = %(id)s
