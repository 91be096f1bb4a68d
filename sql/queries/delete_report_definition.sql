-- Deletes a report definition that no scheduled report names; its versions go with it.
-- Index: report_definitions' key (tenant_id, id).
delete from report_definitions as d where d.tenant_id = %(tenant_id)s and d.id = %(id)s
