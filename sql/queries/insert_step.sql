-- Keeps the result of a step once, under the run's fence; answers what is kept; no row: the run was taken away.
-- The run is locked `for share`: a plain insert-select would let the reaper slip in between. Index: runs' key.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

kept as (
    insert into run_steps (run_id, slot_at, tenant_id, name, fence, result)
    select run.id, run.slot_at, run.tenant_id, %(name)s, run.fence, %(result)s from run
    on conflict (run_id, name, slot_at) do update set name = excluded.name
    returning result
)

select result as value from kept
