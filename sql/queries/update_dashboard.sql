-- Changes a dashboard, which the caller holds. Index: dashboards' key (tenant_id, id).
update dashboards as d
set name = %(name)s, description = %(description)s, version = d.version + 1, updated_at = now()
where d.tenant_id = %(tenant_id)s and d.id = %(id)s
