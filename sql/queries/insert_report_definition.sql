-- Makes a report definition; a trigger keeps its version. No row: the tenant has one of that name.
-- Index: report_definitions' keys.
insert into report_definitions (
    tenant_id, name, description, graph_id, dashboard_id, source_id, query, definition, created_by
)
values (
    %(tenant_id)s, %(name)s, %(description)s, %(graph_id)s, %(dashboard_id)s, %(source_id)s, %(query)s,
    %(definition)s, %(created_by)s
)
on conflict (tenant_id, name) do nothing
returning id
