-- Makes these users, or makes those that are there like this; how many are new and how many changed.
-- Locks: the users in the order of their uids. Index: users' key.
with written as (
    insert into users as u (tenant_id, uid, context, goal, segment, priority, active)
    select %(tenant_id)s, g.uid, g.context, g.goal, g.segment, g.priority, g.active
    from
        unnest(
            %(uids)s::text[], %(contexts)s::text[], %(goals)s::text[], %(segments)s::text[], %(priorities)s::smallint[],
            %(actives)s::boolean[]
        ) as g (uid, context, goal, segment, priority, active)
    order by g.uid
    on conflict (tenant_id, uid) do update
        set
            context = excluded.context, goal = excluded.goal, segment = excluded.segment,
            priority = excluded.priority, active = excluded.active, updated_at = now()
        where
        (u.context, u.goal, u.segment, u.priority, u.active)
        is distinct from (excluded.context, excluded.goal, excluded.segment, excluded.priority, excluded.active)
    -- A row that was there carries the lock of this very statement.
    returning u.xmax = 0 as is_new
)

select count(*) filter (where w.is_new) as created, count(*) filter (where not w.is_new) as updated
from written as w
