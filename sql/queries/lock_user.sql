-- Locks a tenant's user for the caller's transaction. Index: users' key (tenant_id, id).
select u.id from users as u
where u.tenant_id = %(tenant_id)s and u.id = %(id)s
for update
