-- Keeps once what became of a run's kickoff, under the run's fence; the run keeps its place under its limits while the
-- kickoff is open. Answers what is kept; no row: the run was taken away. Locks: the run. Index: runs' key.
with
run as (
    update runs as r
    set keeps_place = %(is_open)s, written_fence = r.fence
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    returning r.id, r.slot_at, r.tenant_id, r.fence
),

kept as (
    insert into run_steps (run_id, slot_at, tenant_id, name, fence, result)
    select run.id, run.slot_at, run.tenant_id, %(name)s, run.fence, %(result)s from run
    on conflict (run_id, name, slot_at) do update set name = excluded.name
    returning result
)

select result as value from kept
