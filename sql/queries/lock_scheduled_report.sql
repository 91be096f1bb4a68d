-- Locks a tenant's scheduled report for the caller's transaction. Index: scheduled_reports' key (tenant_id, id).
select r.id from scheduled_reports as r
where r.tenant_id = %(tenant_id)s and r.id = %(id)s
for update
