-- The zone of what a tenant makes without naming one. Index: tenants' key.
select coalesce(t.settings ->> 'defaultTimezone', 'UTC') as timezone from tenants as t where t.id = %(tenant_id)s
