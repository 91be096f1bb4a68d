-- A tenant's limits, newest first, on from a place, or the one of an id; with how many runs are out under each and how
-- many wait for it though their time has come. Index: limits' key (tenant_id, id), runs_under_limits, runs_held_back.
select
    l.id, l.name, l.max_running, l.max_per_minute,
    (
        select count(*) from runs as r
        where
            r.tenant_id = %(tenant_id)s and l.name = any(r.limited_by)
            and r.released_at is not null and r.finished_at is null and r.limited_by is not null
    ) as running,
    (
        select count(*) from runs as r
        where
            r.tenant_id = %(tenant_id)s and l.name = any(r.limited_by) and r.available_at <= now()
            and r.released_at is null and r.finished_at is null and r.limited_by is not null
    ) as waiting,
    l.created_at, l.updated_at
from limits as l
where
    l.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or l.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (l.created_at, l.id) < (%(before_at)s, %(before_id)s::uuid))
order by l.created_at desc, l.id desc
limit %(room)s
