-- Locks a tenant's KPI alert for the caller's transaction, after its schedule. Index: kpi_alerts' key (tenant_id, id).
select a.id from kpi_alerts as a
where a.tenant_id = %(tenant_id)s and a.id = %(id)s
for update
