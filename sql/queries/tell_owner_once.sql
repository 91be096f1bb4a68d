-- Keeps a trouble of another run's schedule, and makes the run that tells its owner of it, under that one's fence.
-- No row: they know already, or the run belongs to another attempt.
-- Locks: the run (`for share`), the trouble. Index: runs' key, troubles' key.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.schedule_id from runs as r
    where
        r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
        and r.schedule_id is not null
    for share
),

kept as (
    insert into troubles as t (tenant_id, what, which, schedule_id, slot_at)
    select run.tenant_id, %(what)s, %(which)s, run.schedule_id, run.slot_at from run
    on conflict do nothing
    returning 1
)

insert into runs (
    id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
)
select
    id_beside(run.id), run.slot_at, run.tenant_id, run.id, 'told:' || %(what)s, 'notice.mail', 'alerts', 'system',
    'pending', 10, now(),
    jsonb_build_object('subject', %(subject)s::text, 'text', %(text)s::text, 'scheduleId', run.schedule_id)
from run
cross join kept
on conflict do nothing
returning id as value
