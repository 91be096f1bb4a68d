-- A tenant's webhook as it is shown. Index: webhooks' key (tenant_id, id).
select w.id, w.name, w.origin, w.events, w.status, w.disabled_reason, w.old_secret_until, w.created_at, w.updated_at
from webhooks as w
where w.tenant_id = %(tenant_id)s and w.id = %(id)s
