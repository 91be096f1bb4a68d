-- Changes a report definition, which the caller holds; a trigger keeps the new version.
-- Index: report_definitions' key (tenant_id, id).
update report_definitions as d
set
    name = %(name)s, description = %(description)s, graph_id = %(graph_id)s, dashboard_id = %(dashboard_id)s,
    source_id = %(source_id)s, query = %(query)s, definition = %(definition)s, version = d.version + 1,
    updated_at = now()
where d.tenant_id = %(tenant_id)s and d.id = %(id)s
