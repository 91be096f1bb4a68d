-- Makes a limit; no row: the tenant has one of that name. Index: limits' keys.
insert into limits (tenant_id, name, max_running, max_per_minute)
values (%(tenant_id)s, %(name)s, %(max_running)s, %(max_per_minute)s)
on conflict (tenant_id, name) do nothing
returning id
