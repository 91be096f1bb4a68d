-- Locks a tenant for the caller's transaction; what refers to it may still be made. Index: tenants' key (slug).
select t.id from tenants as t where t.slug = %(slug)s
for no key update
