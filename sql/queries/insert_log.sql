-- Keeps a line of a run's log under the run's fence. Index: runs' key.
with run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
)

insert into run_logs (id, run_id, slot_at, tenant_id, fence, message, fields)
select %(id)s, run.id, run.slot_at, run.tenant_id, run.fence, %(message)s, %(fields)s from run
