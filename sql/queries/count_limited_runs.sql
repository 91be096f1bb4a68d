-- How many runs of these tenants are released and not over, by the limits that they are under; how many pending ones
-- keep a place beside them, and in how many seconds the first of those that wait is available. The caller holds those
-- limits, so that no more are released meanwhile. Index: runs_under_limits, runs_keeping_place.
select
    c.tenant_id, c.limited_by, sum(c.running)::bigint as running, sum(c.keeping)::bigint as keeping,
    min(c.seconds) as seconds
from (
    select r.tenant_id, r.limited_by, count(*) as running, 0 as keeping, null::float8 as seconds
    from runs as r
    where
        r.tenant_id = any(%(tenant_ids)s::uuid[]) and r.limited_by is not null
        and r.released_at is not null and r.finished_at is null
    group by r.tenant_id, r.limited_by
    union all
    select
        r.tenant_id, r.limited_by, 0, count(*),
        extract(epoch from min(r.available_at) filter (where r.available_at > now()) - now())::float8
    from runs as r
    where
        r.tenant_id = any(%(tenant_ids)s::uuid[]) and r.keeps_place and r.released_at is null and r.finished_at is null
    group by r.tenant_id, r.limited_by
) as c
group by c.tenant_id, c.limited_by
