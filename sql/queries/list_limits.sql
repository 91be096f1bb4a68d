-- A tenant's limits, newest first, on from a place, or the one of an id; with how many runs are out under each and how
-- many wait for it though their time has come. Each run is counted once, however many limits there are.
-- Index: limits' key (tenant_id, id), runs_under_limits, runs_held_back.
with
counted as (
    select r.limited_by, true as is_out, count(*) as runs
    from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.limited_by is not null
        and r.released_at is not null and r.finished_at is null
    group by r.limited_by
    union all
    select r.limited_by, false, count(*)
    from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.limited_by is not null and r.available_at <= now()
        and r.released_at is null and r.finished_at is null
    group by r.limited_by
)

select
    l.id, l.name, l.max_running, l.max_per_minute,
    coalesce((select sum(c.runs) from counted as c where c.is_out and l.name = any(c.limited_by)), 0)::bigint
        as running,
    coalesce((select sum(c.runs) from counted as c where not c.is_out and l.name = any(c.limited_by)), 0)::bigint
        as waiting,
    l.created_at, l.updated_at
from limits as l
where
    l.tenant_id = %(tenant_id)s and l.name not like 'endpoint:%%'
    and (%(id)s::uuid is null or l.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (l.created_at, l.id) < (%(before_at)s, %(before_id)s::uuid))
order by l.created_at desc, l.id desc
limit %(room)s
