-- Every tenant by slug; the operator's view. Index: tenants' key (slug).
select t.id, t.slug, t.name, t.status, t.created_at from tenants as t order by t.slug
