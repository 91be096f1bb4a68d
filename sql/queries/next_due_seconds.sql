-- Seconds until the next schedule is due and until the next pending run under no limit may be released, null for never;
-- and Postgres's clock as it answers. Index: schedules_due, runs_pending (the first live entry of each).
select
    extract(epoch from (
        select min(s.next_fire_at) from schedules as s
        where s.status = 'active' and s.next_fire_at is not null
    ) - clock_timestamp())::float8 as schedule_seconds,
    extract(epoch from (
        select min(r.available_at) from runs as r
        where
            r.released_at is null and r.finished_at is null and r.available_at < 'infinity'
            and r.limited_by is null
    ) - clock_timestamp())::float8 as run_seconds,
    clock_timestamp() as now
