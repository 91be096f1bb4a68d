-- Makes a user; no row: the tenant has one with that uid. Index: users' key.
insert into users (tenant_id, uid, context, goal, segment, priority, active)
values (%(tenant_id)s, %(uid)s, %(context)s, %(goal)s, %(segment)s, %(priority)s, %(active)s)
on conflict (tenant_id, uid) do nothing
returning id
