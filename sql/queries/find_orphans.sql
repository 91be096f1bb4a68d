-- Which files of the store belong to nobody and never will: no row names them, and their run does not run under the
-- fence that they were made under, which only rises. One statement, so one instant: a row that is being written holds
-- its run, which still runs then. Locks nothing. Indexes: artifacts_one_per_name, runs' key, in one partition a key;
-- `state || ''` is in no index, so that a pooler's plain session reads no partition whole (600,000 runs: 105 ms a page
-- of a thousand keys).
with
asked as (
    select t.key, t.run_id, t.slot_at, t.fence
    from
        unnest(%(keys)s::text[], %(run_ids)s::uuid[], %(slots)s::timestamptz[], %(fences)s::bigint[])
            as t (key, run_id, slot_at, fence)
)

select k.key from asked as k
where
    not exists (
        select from artifacts as a where a.run_id = k.run_id and a.slot_at = k.slot_at and a.key = k.key
    )
    and not exists (
        select from runs as r
        where r.id = k.run_id and r.slot_at = k.slot_at and r.fence = k.fence and r.state || '' = 'running'
    )
