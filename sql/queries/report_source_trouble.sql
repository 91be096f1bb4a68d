-- Keeps that a source gives no answer, under the fence of the run that found it so, and makes the run that tells the
-- tenant's admins. No row: they know already, or the run belongs to another attempt.
-- Locks: the run (`for share`), the source. Index: runs' key, sources' key (tenant_id, id).
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

failing as (
    update sources as s
    set failing_since = now(), last_error = %(why)s
    from run
    where s.tenant_id = run.tenant_id and s.id = %(source_id)s and s.failing_since is null
    returning s.id, s.name
),

told as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(run.id), run.slot_at, run.tenant_id, run.id, concat_ws(':', f.id, 'failing', run.fence),
        'notice.mail', 'alerts', 'system', 'pending', 10, now(),
        jsonb_build_object(
            'subject', 'The source ' || f.name || ' gives no answer',
            'text', 'The source ' || f.name || ' gives no answer: ' || %(why)s || chr(10) || chr(10)
            || 'Alerts that ask it keep the states they have, and their recipients are told nothing of this. What was '
            || 'missed is checked once the source answers again; then you are told.'
        )
    from failing as f
    cross join run
    returning 1
)

select f.id as value from failing as f
