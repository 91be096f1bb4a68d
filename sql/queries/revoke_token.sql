-- Revokes a token for good; one that was revoked stays as it is. Index: api_tokens' key.
update api_tokens as k set revoked_at = coalesce(k.revoked_at, now())
where k.tenant_id is not distinct from %(tenant_id)s and k.id = %(id)s
