-- Ends a process's leases of deliveries: the reaper then decides what becomes of each.
-- Locks: the deliveries in the order of their ids. Index: deliveries' key.
with wanted as (
    select d.id, d.slot_at
    from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[], %(fences)s::bigint[]) as w (id, slot_at, fence)
    inner join deliveries as d on w.id = d.id and w.slot_at = d.slot_at and w.fence = d.fence
    where d.state = 'sending' and d.leased_by = %(process_id)s
    order by d.id
    for update of d
)

update deliveries as d
set deadline_at = least(d.deadline_at, now())
from wanted
where d.id = wanted.id and d.slot_at = wanted.slot_at
