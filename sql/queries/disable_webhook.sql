-- Disables a webhook whose receiver is gone, under the fence of the run that found it so; in the same statement an
-- entry in the audit log, and the run that tells the tenant's admins.
-- No row: it was disabled already, or the run belongs to another attempt.
-- Locks: the run (`for share`), the webhook, the end of the tenant's audit chain. Index: runs' key, webhooks' key.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

disabled as (
    update webhooks as w
    set status = 'disabled', disabled_reason = %(reason)s, updated_at = now()
    from run
    where w.tenant_id = run.tenant_id and w.id = %(webhook_id)s and w.status = 'active'
    returning w.id, w.tenant_id
),

told as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(run.id), run.slot_at, run.tenant_id, run.id, concat_ws(':', d.id, 'disabled', run.fence),
        'notice.mail', 'alerts', 'system', 'pending', 10, now(),
        jsonb_build_object('subject', %(subject)s::text, 'text', %(text)s::text)
    from disabled as d
    cross join run
    returning 1
),

noted as (
    insert into audit_log (
        chain, number, tenant_id, at, who, action, subject_type, subject_id, before, after, previous, hash
    )
    select
        d.tenant_id, 0, d.tenant_id, now(), 'system', 'webhook.disabled', 'webhook', d.id::text,
        jsonb_build_object('status', 'active'),
        jsonb_build_object('status', 'disabled', 'disabledReason', %(reason)s::text, 'runId', %(run_id)s::uuid), '', ''
    from disabled as d
    returning 1
)

select d.id as value from disabled as d
