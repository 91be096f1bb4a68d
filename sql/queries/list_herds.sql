-- A tenant's active schedules that are due again until an instant, as herds: those that recur alike and are due next in
-- the same column of time. Of the soonest `room` schedules, the `herds` largest; each row says how many there are.
-- Takes no lock. Index: schedules_next_of_tenant. Only `H` in a cron expression depends on the schedule's id.
select
    count(*) as schedules, max(f.next_fire_at) as next_fire_at, f.cron, f.interval_seconds,
    max(f.interval_anchor) as interval_anchor, f.recurrence::text as recurrence, f.timezone, f.dst_gap, f.dst_fold,
    f.calendar_id, f.ends_at, f.runs_left, f.hash_id, count(*) over () as herds
from (
    select
        s.next_fire_at, s.cron, s.interval_seconds, s.interval_anchor, s.recurrence, s.timezone, s.dst_gap, s.dst_fold,
        s.calendar_id,
        s.ends_at,
        s.max_runs - s.run_count as runs_left,
        case when s.cron ilike '%%h%%' then s.id::text else '' end as hash_id
    from schedules as s
    where
        s.tenant_id = %(tenant_id)s and s.status = 'active' and s.next_fire_at is not null
        and s.next_fire_at < %(until)s and s.scheduled_at is null
    order by s.next_fire_at, s.id
    limit %(room)s
) as f
group by
    f.cron, f.interval_seconds, f.recurrence, f.timezone, f.dst_gap, f.dst_fold, f.calendar_id, f.ends_at, f.runs_left,
    f.hash_id, date_bin(make_interval(secs => %(width)s), f.next_fire_at, 'epoch'),
    mod(extract(epoch from f.interval_anchor), f.interval_seconds)
order by schedules desc, next_fire_at asc
limit %(herds)s
