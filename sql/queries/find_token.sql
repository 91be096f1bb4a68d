-- A token that is good now, with the tenant whose it is, by its hash. Index: api_tokens' key (hash).
select
    k.id, k.tenant_id, t.slug as tenant_slug, t.status as tenant_status, k.scope,
    (t.settings -> 'quotas' ->> 'requestsPerMinute')::integer as requests_per_minute,
    k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as is_touch_due,
    k.expires_at
from api_tokens as k
left join tenants as t on k.tenant_id = t.id
where
    k.hash = %(hash)s and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
