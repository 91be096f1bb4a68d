-- Suspends or reinstates a tenant. Index: tenants' key.
update tenants as t set status = %(status)s, updated_at = now() where t.id = %(id)s
