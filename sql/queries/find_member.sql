-- The tenant that a person's token names, and the person where it has them. Index: tenants' and members' keys.
select
    t.id as tenant_id, t.slug as tenant_slug, t.status as tenant_status, m.role,
    m.disabled_at is not null as is_disabled
from tenants as t
left join members as m on t.id = m.tenant_id and m.subject = %(subject)s
where t.id::text = %(tenant)s or t.slug = %(tenant)s
limit 1
