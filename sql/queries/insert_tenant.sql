-- Makes a tenant; no row: there is one of that slug. Index: tenants' key (slug).
insert into tenants (slug, name)
values (%(slug)s, %(name)s)
on conflict (slug) do nothing
returning id, slug, name, status, settings, created_at, updated_at
