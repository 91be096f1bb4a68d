-- Changes a tenant's name and settings. Index: tenants' key.
update tenants as t set name = %(name)s, settings = %(settings)s, updated_at = now() where t.id = %(id)s
