-- A tenant's webhooks without their addresses and secrets, newest first, on from a place. Sorted.
-- Index: webhooks' key (tenant_id, id).
select w.id, w.name, w.origin, w.events, w.status, w.disabled_reason, w.old_secret_until, w.created_at, w.updated_at
from webhooks as w
where
    w.tenant_id = %(tenant_id)s
    and (%(before_at)s::timestamptz is null or (w.created_at, w.id) < (%(before_at)s, %(before_id)s::uuid))
order by w.created_at desc, w.id desc
limit %(room)s
