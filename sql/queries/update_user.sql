-- Changes a user, whom the caller holds. Index: users' key (tenant_id, id).
update users as u
set
    context = %(context)s, goal = %(goal)s, segment = %(segment)s, priority = %(priority)s, active = %(active)s,
    updated_at = now()
where u.tenant_id = %(tenant_id)s and u.id = %(id)s
