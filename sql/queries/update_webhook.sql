-- Changes a webhook; its address stays unless another one is given. Index: webhooks' key (tenant_id, id).
update webhooks as w
set
    name = %(name)s, events = %(events)s, origin = %(origin)s, sealed_url = coalesce(%(sealed_url)s, w.sealed_url),
    updated_at = now()
where w.tenant_id = %(tenant_id)s and w.id = %(id)s
