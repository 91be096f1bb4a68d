-- A tenant by its slug. Index: tenants' key (slug).
select t.id, t.slug, t.name, t.status, t.settings, t.created_at, t.updated_at from tenants as t
where t.slug = %(slug)s
