-- Changes a channel, which the caller holds; without a credential the stored one stays.
-- Index: channels' key (tenant_id, id).
update channels as c
set
    name = %(name)s, origin = %(origin)s, options = %(options)s,
    sealed_credential = coalesce(%(sealed_credential)s, c.sealed_credential), updated_at = now()
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
