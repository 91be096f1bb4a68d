-- Makes a channel; no row: the tenant has one of that name. Index: channels' keys.
insert into channels (id, tenant_id, name, type, origin, sealed_credential, options)
values (%(id)s, %(tenant_id)s, %(name)s, %(type)s, %(origin)s, %(sealed_credential)s, %(options)s)
on conflict (tenant_id, name) do nothing
returning id
