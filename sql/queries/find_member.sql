-- The tenant that a person's token names, by its id or, where that is none, by its slug; and the person where the
-- tenant has them. Index: tenants' keys (id; slug), members' key (tenant_id, subject).
select
    t.id as tenant_id, t.slug as tenant_slug, t.status as tenant_status, m.role,
    m.disabled_at is not null as is_disabled,
    (t.settings -> 'quotas' ->> 'requestsPerMinute')::integer as requests_per_minute
from tenants as t
left join members as m on t.id = m.tenant_id and m.subject = %(subject)s
where t.id = %(tenant_id)s or (%(tenant_id)s::uuid is null and t.slug = %(slug)s)
