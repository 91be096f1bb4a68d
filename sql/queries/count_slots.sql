-- A tenant's runs by the column of time that their slot lies in, and what became of them; the shares are of the first
-- `room` of a column and `total` counts on to `most`, so that a herd costs no more than that. A run is late that began,
-- or begins, more than `late_seconds` after its slot and its jitter; one that no slot of its time made
-- (a backfill, one by hand, an item) is neither on time nor late.
-- Takes no lock. Index: runs_of_tenant, read in its order, column by column.
select
    c.number, w.seen, case when w.seen < %(room)s then w.seen else t.total end as total, w.on_time, w.late,
    w.asked, w.waiting, w.ahead, w.dead, w.cancelled, w.skipped
from generate_series(0, %(columns)s - 1) as c (number)
cross join
    lateral (  -- noqa: ST05
        select
            %(first_at)s::timestamptz + c.number * make_interval(secs => %(width)s) as low,
            %(first_at)s::timestamptz + (c.number + 1) * make_interval(secs => %(width)s) as high
    ) as span
cross join
    lateral (  -- noqa: ST05
        select
            count(*) as seen,
            count(*) filter (where j.became = 'on_time') as on_time,
            count(*) filter (where j.became = 'late') as late,
            count(*) filter (where j.became = 'asked') as asked,
            count(*) filter (where j.became = 'waiting') as waiting,
            count(*) filter (where j.became = 'ahead') as ahead,
            count(*) filter (where j.became = 'dead') as dead,
            count(*) filter (where j.became = 'cancelled') as cancelled,
            (coalesce(sum(j.skipped_count) filter (where j.became = 'skipped'), 0))::bigint as skipped
        from (
            select
                coalesce(f.skipped_count, 1) as skipped_count,
                case
                    when f.state in ('dead', 'cancelled', 'skipped') then f.state
                    when f.slot_at > now() and f.started_at is null then 'ahead'
                    when f.origin <> 'schedule' and f.started_at is not null then 'asked'
                    when
                        f.origin = 'schedule'
                        and coalesce(f.started_at, now()) > f.slot_at + make_interval(secs => %(late_seconds)s)
                        -- Asked only of what would be late.
                        and coalesce(f.started_at, now())
                        > f.slot_at + make_interval(secs => %(late_seconds)s + coalesce((
                            select s.jitter_seconds from schedules as s
                            where s.tenant_id = %(tenant_id)s and s.id = f.schedule_id
                        ), 0))
                        then 'late'
                    when f.state in ('pending', 'queued') then 'waiting'
                    else 'on_time'
                end as became
            from (
                select
                    r.schedule_id, r.slot_at, r.state, r.origin, r.skipped_count,
                    coalesce(r.first_started_at, r.started_at) as started_at
                from runs as r
                where
                    r.tenant_id = %(tenant_id)s and r.slot_at >= span.low and r.slot_at < span.high
                    and r.slot_at >= %(first_at)s
                    and r.slot_at < %(first_at)s::timestamptz + %(columns)s * make_interval(secs => %(width)s)
                order by r.slot_at, r.id
                limit %(room)s
            ) as f
        ) as j
    ) as w
cross join
    lateral (  -- noqa: ST05
        select count(*) as total from (
            select from runs as r
            where
                w.seen = %(room)s and r.tenant_id = %(tenant_id)s and r.slot_at >= span.low and r.slot_at < span.high
                and r.slot_at >= %(first_at)s
                and r.slot_at < %(first_at)s::timestamptz + %(columns)s * make_interval(secs => %(width)s)
            order by r.slot_at, r.id
            limit %(most)s
        ) as f
    ) as t
where w.seen > 0
order by c.number
