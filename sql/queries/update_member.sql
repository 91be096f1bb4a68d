-- Changes a member. Index: members' key (tenant_id, id).
update members as m
set
    email = %(email)s, name = %(name)s, role = %(role)s, updated_at = now(),
    disabled_at = case when %(is_disabled)s::boolean then coalesce(m.disabled_at, now()) end
where m.tenant_id = %(tenant_id)s and m.id = %(id)s
