-- Seconds until the next schedule is due and until the next pending run under no limit may be released, null for never;
-- of those that were due and are there all the same, the newest instant, null for none; and Postgres's clock as it
-- answers. Index: schedules_due, runs_pending (the first live entry of each; where that is due, those beside now too).
-- Materialized: otherwise each of the looks is planned and made once more for every place that names it.
with clock as (
    select clock_timestamp() as now
),

first as materialized (
    select
        c.now,
        (
            select min(s.next_fire_at) from schedules as s
            where s.status = 'active' and s.next_fire_at is not null
        ) as fire_at,
        (
            select min(r.available_at) from runs as r
            where
                r.released_at is null and r.finished_at is null and r.available_at < 'infinity'
                and r.limited_by is null
        ) as available_at
    from clock as c
),

beside as materialized (
    select
        f.now,
        f.fire_at <= f.now as is_schedule_late,
        f.available_at <= f.now as is_run_late,
        f.fire_at,
        f.available_at,
        (
            select min(s.next_fire_at) from schedules as s
            where f.fire_at <= f.now and s.status = 'active' and s.next_fire_at > f.now
        ) as following_fire_at,
        (
            select max(s.next_fire_at) from schedules as s
            where f.fire_at <= f.now and s.status = 'active' and s.next_fire_at <= f.now
        ) as late_schedule_at,
        (
            select min(r.available_at) from runs as r
            where
                f.available_at <= f.now and r.released_at is null and r.finished_at is null
                and r.available_at > f.now and r.available_at < 'infinity' and r.limited_by is null
        ) as following_available_at,
        (
            select max(r.available_at) from runs as r
            where
                f.available_at <= f.now and r.released_at is null and r.finished_at is null
                and r.available_at <= f.now and r.limited_by is null
        ) as late_run_at
    from first as f
)

select
    extract(
        epoch from case when b.is_schedule_late then b.following_fire_at else b.fire_at end - b.now
    )::float8 as schedule_seconds,
    extract(
        epoch from case when b.is_run_late then b.following_available_at else b.available_at end - b.now
    )::float8 as run_seconds,
    b.late_schedule_at,
    b.late_run_at,
    b.now
from beside as b
