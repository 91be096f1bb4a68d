-- The groups of runs that are held back by the same limits in the same queue, on from a place, each by its first run:
-- one step along the index a group, however many runs it has. Takes no lock. Index: runs_held_back.
with recursive groups as (
    (
        select r.tenant_id, r.queue, r.limited_by, r.available_at
        from runs as r
        where
            r.released_at is null and r.finished_at is null and r.limited_by is not null
            and (r.tenant_id, r.queue, r.limited_by) > (%(after_tenant)s, %(after_queue)s, %(after_limits)s::text[])
        order by r.tenant_id, r.queue, r.limited_by, r.available_at, r.id
        limit 1
    )
    union all
    select n.tenant_id, n.queue, n.limited_by, n.available_at
    from groups as g
    cross join lateral (
        select r.tenant_id, r.queue, r.limited_by, r.available_at
        from runs as r
        where
            r.released_at is null and r.finished_at is null and r.limited_by is not null
            and (r.tenant_id, r.queue, r.limited_by) > (g.tenant_id, g.queue, g.limited_by)
        order by r.tenant_id, r.queue, r.limited_by, r.available_at, r.id
        limit 1
    ) as n
)

select
    g.tenant_id, g.queue, g.limited_by,
    -- At their gates wait those that are available never; before Postgres 17 infinity can't be subtracted from.
    case
        when g.available_at = 'infinity' then 'infinity'::float8
        else extract(epoch from g.available_at - now())::float8
    end as seconds
from groups as g
limit %(room)s
