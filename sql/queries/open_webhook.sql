-- Where a tenant's webhook is called and what signs the calls, both sealed, and whether the old secret signs too.
-- Index: webhooks' key (tenant_id, id).
select w.name, w.status, w.sealed_url, w.sealed_secret, coalesce(w.old_secret_until > now(), false) as has_old_secret
from webhooks as w
where w.tenant_id = %(tenant_id)s and w.id = %(id)s
