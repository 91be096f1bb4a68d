-- How late the runs of a tenant's schedules began within the last hour, from slot to their first start, and
-- how many runs began; of the newest `room` slots, so that a herd costs no more than that.
-- Takes no lock. Index: runs_of_tenant.
select
    count(*) as seen,
    count(f.started_at) as started,
    (percentile_disc(0.5) within group (order by f.lag))::float8 as lag_middle,
    (percentile_disc(0.99) within group (order by f.lag))::float8 as lag_most,
    min(f.slot_at) as since
from (
    select
        r.slot_at, r.started_at,
        -- Without the first start an earlier release began it.
        case
            when r.origin = 'schedule' and (r.attempt = 1 or r.first_started_at is not null)
                then extract(epoch from coalesce(r.first_started_at, r.started_at) - r.slot_at)
        end as lag
    from runs as r
    where r.tenant_id = %(tenant_id)s and r.slot_at > now() - interval '1 hour' and r.slot_at <= now()
    order by r.slot_at desc, r.id desc
    limit %(room)s
) as f
