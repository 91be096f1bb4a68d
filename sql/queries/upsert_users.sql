-- Makes these users, or changes those that are there to this, in the columns that the import has; how many are new and
-- how many changed. The caller holds the tenant's imports. Locks: the users. Index: users' key.
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
            context = case when %(has_context)s::boolean then excluded.context else u.context end,
            goal = case when %(has_goal)s::boolean then excluded.goal else u.goal end,
            segment = case when %(has_segment)s::boolean then excluded.segment else u.segment end,
            priority = case when %(has_priority)s::boolean then excluded.priority else u.priority end,
            active = case when %(has_active)s::boolean then excluded.active else u.active end,
            updated_at = now()
        where
        (%(has_context)s and u.context is distinct from excluded.context)
        or (%(has_goal)s and u.goal is distinct from excluded.goal)
        or (%(has_segment)s and u.segment is distinct from excluded.segment)
        or (%(has_priority)s and u.priority <> excluded.priority)
        or (%(has_active)s and u.active <> excluded.active)
    -- A row that was there carries the lock of this very statement.
    returning u.xmax = 0 as is_new
)

select count(*) filter (where w.is_new) as created, count(*) filter (where not w.is_new) as updated
from written as w
