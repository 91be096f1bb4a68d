-- Makes a dashboard; no row: the tenant has one of that name. Index: dashboards' keys.
insert into dashboards (tenant_id, name, description)
values (%(tenant_id)s, %(name)s, %(description)s)
on conflict (tenant_id, name) do nothing
returning id
