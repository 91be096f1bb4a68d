-- Makes a calendar; no row: the tenant has one of that name. Index: calendars' keys.
insert into calendars (tenant_id, name, country, subdivision, own_days)
values (%(tenant_id)s, %(name)s, %(country)s, %(subdivision)s, %(own_days)s)
on conflict (tenant_id, name) do nothing
returning id
