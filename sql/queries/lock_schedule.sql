-- Locks a tenant's schedule for the caller's transaction: a ticker that claims skips it meanwhile.
-- Index: schedules' key.
select s.id from schedules as s
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
for update
