-- Makes a source; no row: the tenant has one of that name. Index: sources' keys.
insert into sources (id, tenant_id, name, type, url, options, sealed_password)
values (%(id)s, %(tenant_id)s, %(name)s, %(type)s, %(url)s, %(options)s, %(sealed_password)s)
on conflict (tenant_id, name) do nothing
returning id, name, type, url, options, created_at, updated_at, sealed_password is not null as has_password
