-- Makes the run that tries a webhook once, with a body that says so. Locks: nothing but the new row.
insert into runs (
    id, slot_at, tenant_id, kind, queue, origin, triggered_by, state, max_attempts, available_at, params
)
values (
    %(id)s, %(slot_at)s, %(tenant_id)s, 'webhook.send', 'calls', 'test', %(triggered_by)s, 'pending', 1, now(),
    jsonb_build_object(
        'webhookId', %(webhook_id)s::uuid,
        'body', jsonb_build_object(
            'type', 'webhook.test', 'timestamp', rfc3339(now()),
            'data', jsonb_build_object('webhookId', %(webhook_id)s::uuid)
        )
    )
)
