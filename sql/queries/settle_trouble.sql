-- Keeps that a graph is answered again, and its source there, under the fence of the run that found it so, and makes
-- the runs that tell the admins and whoever alerts on it. No row: nobody knows otherwise, or the run belongs to
-- another attempt.
-- Locks: the run (`for share`), the source, the graph. Index: runs' key, sources' and graphs' keys (tenant_id, id).
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

was_away as (
    select s.id, s.tenant_id, s.name, s.failing_since, 'source' as what from sources as s
    inner join run on s.tenant_id = run.tenant_id
    where s.id = %(source_id)s and s.failing_since is not null
    for update of s
),

was_refused as (
    select g.id, g.tenant_id, g.name, g.failing_since, 'graph' as what from graphs as g
    inner join run on g.tenant_id = run.tenant_id
    where g.id = %(graph_id)s and g.failing_since is not null
    for update of g
),

there as (
    update sources as s
    set failing_since = null, last_error = null
    from was_away as w
    where s.tenant_id = w.tenant_id and s.id = w.id
    returning s.id
),

answered as (
    update graphs as g
    set failing_since = null, last_error = null
    from was_refused as w
    where g.tenant_id = w.tenant_id and g.id = w.id
    returning g.id
),

settled as (
    select w.name, w.what, w.failing_since, w.id from was_away as w inner join there as t on w.id = t.id
    union all
    select w.name, w.what, w.failing_since, w.id from was_refused as w inner join answered as t on w.id = t.id
),

told as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(run.id), run.slot_at, run.tenant_id, run.id, concat_ws(':', f.id, 'settled', run.fence),
        'notice.mail', 'alerts', 'system', 'pending', 10, now(),
        jsonb_build_object(
            f.what || 'Id', f.id, 'subject', 'The ' || f.what || ' ' || f.name || ' answers again',
            'text', 'The ' || f.what || ' ' || f.name || ' gave no answer since ' || rfc3339(f.failing_since)
            || ' and answers again. The checks that were missed meanwhile are made up for, up to a hundred of an alert.'
        )
    from settled as f
    cross join run
    returning 1
)

select f.id as value from settled as f
