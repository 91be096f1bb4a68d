-- Locks a tenant's report definition for the caller's transaction, and not against reports that name it. Index:
-- report_definitions' key (tenant_id, id).
select d.id from report_definitions as d
where d.tenant_id = %(tenant_id)s and d.id = %(id)s
for no key update
