-- Makes a webhook; no row: the tenant has one of that name. Index: webhooks' keys.
insert into webhooks (id, tenant_id, name, origin, sealed_url, events, sealed_secret)
values (%(id)s, %(tenant_id)s, %(name)s, %(origin)s, %(sealed_url)s, %(events)s, %(sealed_secret)s)
on conflict (tenant_id, name) do nothing
returning id, name, origin, events, status, disabled_reason, old_secret_until, created_at, updated_at
