-- Makes a member; no row: the tenant has one of that subject. Index: members' keys.
insert into members (tenant_id, subject, email, name, role)
values (%(tenant_id)s, %(subject)s, %(email)s, %(name)s, %(role)s)
on conflict (tenant_id, subject) do nothing
returning id, subject, email, name, role, disabled_at, created_at, updated_at
