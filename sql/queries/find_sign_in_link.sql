-- The link of that hash, and whom it signs in to what. Index: sign_in_links' key (hash), members' key (tenant_id, id).
select
    l.id, l.tenant_id, l.scope, l.created_by,
    l.used_at is null and l.expires_at > now() as is_open,
    t.name as tenant_name, t.status as tenant_status,
    m.id as member_id, m.subject, m.email, m.role as member_role, m.disabled_at is not null as is_disabled
from sign_in_links as l
inner join tenants as t on l.tenant_id = t.id
left join members as m on l.tenant_id = m.tenant_id and l.member_id = m.id
where l.hash = %(hash)s
