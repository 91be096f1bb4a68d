-- Makes the run that tells the owner of another run's schedule something of that run, under that one's fence.
-- No row: they were told already, or the run belongs to another attempt.
-- Locks: the run (`for share`). Index: runs' key.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.schedule_id from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
)

insert into runs (
    id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
)
select
    id_beside(run.id), run.slot_at, run.tenant_id, run.id, 'told:' || %(key)s, 'notice.mail', 'alerts', 'system',
    'pending', 10, now(),
    jsonb_strip_nulls(
        jsonb_build_object('subject', %(subject)s::text, 'text', %(text)s::text, 'scheduleId', run.schedule_id)
    )
from run
on conflict do nothing
returning id as value
