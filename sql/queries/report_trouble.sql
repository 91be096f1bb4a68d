-- Keeps that a source is away (`source_id`), or that it refuses a graph (`graph_id`), under the fence of the run
-- that found it so, and makes the run that tells the admins and whoever alerts on it. No row: they know already, or
-- the run belongs to another attempt.
-- Locks: the run (`for share`), the source or the graph. Index: runs' key, sources' and graphs' keys.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

away as (
    update sources as s
    set failing_since = now(), last_error = %(why)s
    from run
    where s.tenant_id = run.tenant_id and s.id = %(source_id)s::uuid and s.failing_since is null
    returning s.id, s.name, 'source' as what
),

refused as (
    update graphs as g
    set failing_since = now(), last_error = %(why)s
    from run
    where g.tenant_id = run.tenant_id and g.id = %(graph_id)s::uuid and g.failing_since is null
    returning g.id, g.name, 'graph' as what
),

failing as (
    select a.id, a.name, a.what from away as a
    union all
    select g.id, g.name, g.what from refused as g
),

told as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(run.id), run.slot_at, run.tenant_id, run.id, concat_ws(':', f.id, 'failing', run.fence),
        'notice.mail', 'alerts', 'system', 'pending', 10, now(),
        jsonb_build_object(
            f.what || 'Id', f.id, 'subject', 'The ' || f.what || ' ' || f.name || ' gives no answer',
            'text', 'The ' || f.what || ' ' || f.name || ' gives no answer: ' || %(why)s || chr(10) || chr(10)
            || 'Alerts on it go by what they say of errors, which by default keeps their states and tells their '
            || 'recipients nothing. What was missed is checked once there is an answer again; then you are told.'
        )
    from failing as f
    cross join run
    returning 1
)

select f.id as value from failing as f
