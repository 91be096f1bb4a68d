-- Changes a source; its secret stays unless another one is given. Index: sources' key (tenant_id, id).
update sources as s
set
    name = %(name)s, url = %(url)s, options = %(options)s, updated_at = now(),
    sealed_password = case
        when %(is_password_given)s::boolean then %(sealed_password)s else s.sealed_password
    end
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
