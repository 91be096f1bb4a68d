-- Deletes a tenant and every row that it has; what went of each table. Locks: its schedules, then its row.
select e.name, e.gone as rows from erase_tenant(%(tenant_id)s) as e
