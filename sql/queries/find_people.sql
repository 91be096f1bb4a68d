-- Who a person is where: of each tenant, or of the one named, the member of this subject, or else of this address. Of
-- several with one address it is one that is disabled, or else the one who may least, so that a second row of somebody
-- opens nothing that the first one shuts.
-- Index: members_by_subject, members_by_email; tenants' key.
select distinct on (m.tenant_id)
    m.tenant_id, t.slug as tenant_slug, t.name as tenant_name, t.status as tenant_status,
    m.id, m.subject, m.email, m.role, m.disabled_at is not null as is_disabled
from members as m
inner join tenants as t on m.tenant_id = t.id
where
    (%(tenant_id)s::uuid is null or m.tenant_id = %(tenant_id)s)
    and (m.subject = %(subject)s or lower(m.email) = lower(%(email)s))
order by
    m.tenant_id asc, m.subject = %(subject)s desc, m.disabled_at is not null desc,
    array_position(array['viewer', 'editor', 'admin'], m.role) asc, m.id asc
