-- Deletes a user with all answers about them. Index: users' key (tenant_id, id).
delete from users as u where u.tenant_id = %(tenant_id)s and u.id = %(id)s
