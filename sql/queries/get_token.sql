-- A token of a tenant, or an operator's (null), by its id. Index: api_tokens' key.
select
    k.id, k.name, k.scope, k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
    k.is_session
from api_tokens as k
where k.tenant_id is not distinct from %(tenant_id)s and k.id = %(id)s
