-- Whose token it is, by its id; the operator's view. Index: api_tokens' key.
select k.id, k.tenant_id from api_tokens as k where k.id = %(id)s
