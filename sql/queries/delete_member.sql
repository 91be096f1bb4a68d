-- Deletes a member. Index: members' key (tenant_id, id).
delete from members as m where m.tenant_id = %(tenant_id)s and m.id = %(id)s
