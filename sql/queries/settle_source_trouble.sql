-- Keeps that a source answers again, under the fence of the run that found it so, and makes the run that tells the
-- tenant's admins. No row: nobody knows otherwise, or the run belongs to another attempt.
-- Locks: the run (`for share`), the source. Index: runs' key, sources' key (tenant_id, id).
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

failed as (
    select s.id, s.tenant_id, s.name, s.failing_since from sources as s
    inner join run on s.tenant_id = run.tenant_id
    where s.id = %(source_id)s and s.failing_since is not null
    for update of s
),

settled as (
    update sources as s
    set failing_since = null, last_error = null
    from failed as f
    where s.tenant_id = f.tenant_id and s.id = f.id
    returning s.id
),

told as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(run.id), run.slot_at, run.tenant_id, run.id, concat_ws(':', f.id, 'settled', run.fence),
        'notice.mail', 'alerts', 'system', 'pending', 10, now(),
        jsonb_build_object(
            'subject', 'The source ' || f.name || ' answers again',
            'text', 'The source ' || f.name || ' gave no answer since ' || rfc3339(f.failing_since)
            || ' and answers again. The checks that were missed meanwhile are made up for, up to a hundred of an alert.'
        )
    from failed as f
    inner join settled as s on f.id = s.id
    cross join run
    returning 1
)

select s.id as value from settled as s
