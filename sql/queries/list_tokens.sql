-- The tokens of a tenant, or the operator's (null), newest first, on from a place. Index: api_tokens_of_tenant.
select
    k.id, k.name, k.scope, k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
    k.is_session
from api_tokens as k
where
    k.tenant_id is not distinct from %(tenant_id)s
    and (%(before_at)s::timestamptz is null or (k.created_at, k.id) < (%(before_at)s, %(before_id)s::uuid))
order by k.created_at desc, k.id desc
limit %(room)s
