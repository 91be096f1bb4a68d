-- Gives a webhook the secrets that sign from now on; for a day the old one is among them.
-- Index: webhooks' key (tenant_id, id).
update webhooks as w
set sealed_secret = %(sealed_secret)s, old_secret_until = now() + interval '1 day', updated_at = now()
where w.tenant_id = %(tenant_id)s and w.id = %(id)s
