-- What the tokens of these ids are called, of a tenant or the operator's (null). Index: api_tokens' key.
select
    k.id, k.name
from api_tokens as k
where k.tenant_id is not distinct from %(tenant_id)s and k.id = any(%(ids)s)
