-- Locks a tenant's member for the caller's transaction. Index: members' key (tenant_id, id).
select m.id from members as m
where m.tenant_id = %(tenant_id)s and m.id = %(id)s
for update
