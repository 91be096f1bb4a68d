-- A tenant's user by their uid. Index: users' key.
select
    u.id, u.uid, u.context, u.goal, u.segment, u.priority, u.active, u.created_at, u.updated_at
from users as u
where u.tenant_id = %(tenant_id)s and u.uid = %(uid)s
