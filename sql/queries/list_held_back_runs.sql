-- Of each of these groups the runs that keep a place, and of the others those that have waited longest; of both at most
-- as many as the group has room for. Takes no lock: the caller holds the limits.
-- Index: runs_keeping_place, runs_held_back.
select
    r.id, r.slot_at, r.tenant_id, r.queue, r.limited_by, r.available_at,
    coalesce(r.reason in ('retry', 'retry_budget'), false) as is_retry, r.keeps_place
from (
    -- The limits come as text: an array of arrays has rows of one length.
    select u.tenant_id, u.queue, u.limits::text[] as limited_by, u.room, u.kept_room
    from unnest(
        %(tenant_ids)s::uuid[], %(queues)s::text[], %(limits)s::text[], %(rooms)s::bigint[], %(kept_rooms)s::bigint[]
    ) as u (tenant_id, queue, limits, room, kept_room)
) as g
cross join lateral (
    (
        select q.id, q.slot_at, q.tenant_id, q.queue, q.limited_by, q.available_at, q.reason, q.keeps_place
        from runs as q
        where
            q.tenant_id = g.tenant_id and q.queue = g.queue and q.limited_by = g.limited_by
            and q.available_at <= now() and q.keeps_place and q.released_at is null and q.finished_at is null
        order by q.available_at, q.id
        limit g.kept_room
    )
    union all
    (
        select q.id, q.slot_at, q.tenant_id, q.queue, q.limited_by, q.available_at, q.reason, q.keeps_place
        from runs as q
        where
            q.tenant_id = g.tenant_id and q.queue = g.queue and q.limited_by = g.limited_by and not q.keeps_place
            and q.available_at <= now() and q.released_at is null and q.finished_at is null and q.limited_by is not null
        order by q.available_at, q.id
        limit g.room
    )
) as r
