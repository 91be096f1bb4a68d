-- A token that is good now, with the tenant whose it is, by its hash; and its member, whose role bounds it and without
-- whom it opens nothing. Index: api_tokens' key (hash), members' key (tenant_id, id).
select
    k.id, k.tenant_id, t.slug as tenant_slug, t.status as tenant_status, k.scope,
    (t.settings -> 'quotas' ->> 'requestsPerMinute')::integer as requests_per_minute,
    k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as is_touch_due,
    k.expires_at, m.subject, m.role as member_role, k.is_session
from api_tokens as k
left join tenants as t on k.tenant_id = t.id
left join members as m on k.tenant_id = m.tenant_id and k.member_id = m.id
where
    k.hash = %(hash)s and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    and (k.member_id is null or (m.id is not null and m.disabled_at is null))
