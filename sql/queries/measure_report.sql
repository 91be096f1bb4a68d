-- What became of the newest 10,000 executions of a report since an instant, how long they took, and their largest file;
-- no row: there were none. Index: runs_one_per_slot and runs_on_demand (each is partial, so each is asked by itself),
-- artifacts_one_per_name.
with recent as (
    (
        select p.id, p.slot_at, p.state, p.started_at, p.finished_at from runs as p
        where
            p.tenant_id = %(tenant_id)s and p.schedule_id = %(schedule_id)s and p.origin in ('schedule', 'backfill')
            and p.slot_at >= %(since)s
        order by p.slot_at desc
        limit 10000
    )
    union all
    (
        select m.id, m.slot_at, m.state, m.started_at, m.finished_at from runs as m
        where
            m.tenant_id = %(tenant_id)s and m.schedule_id = %(schedule_id)s
            and m.origin not in ('schedule', 'backfill') and m.slot_at >= %(since)s
        order by m.slot_at desc
        limit 10000
    )
),

timed as (
    select
        count(*) as executions,
        count(*) filter (where r.state = 'succeeded') as succeeded,
        count(*) filter (where r.state = 'dead') as failed,
        avg(extract(epoch from r.finished_at - r.started_at) * 1000) filter (where r.state = 'succeeded') as mean,
        percentile_cont(array[0.5, 0.95]) within group (
            order by extract(epoch from r.finished_at - r.started_at) * 1000
        ) filter (where r.state = 'succeeded') as parts
    from recent as r
),

largest as (
    select a.run_id, a.name, a.format, a.size_bytes from recent as r
    inner join artifacts as a on r.id = a.run_id and r.slot_at = a.slot_at
    where a.tenant_id = %(tenant_id)s
    order by a.size_bytes desc
    limit 1
)

select
    t.executions, t.succeeded, t.failed,
    t.succeeded::float8 / nullif(t.succeeded + t.failed, 0) as success_ratio,
    t.mean::bigint as average_duration_ms, t.parts[1]::bigint as p50_duration_ms, t.parts[2]::bigint as p95_duration_ms,
    f.run_id as largest_execution_id, f.name as largest_name, f.format as largest_format,
    f.size_bytes as largest_size_bytes
from timed as t
left join largest as f on true
where t.executions > 0
