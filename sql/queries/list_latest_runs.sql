-- The newest runs of each of these schedules, at most `room` of one, newest slot first; what was asked for stands among
-- the planned. Index: runs_one_per_slot, runs_on_demand; a walk of runs_of_tenant would read what all other schedules
-- did meanwhile. Of 50 schedules 17 ms at 1,000,000 runs in six weeks.
select
    r.schedule_id, r.id, r.slot_at, r.origin, r.state, r.reason, r.attempt, r.started_at, r.finished_at, r.skipped_count
from unnest(%(schedule_ids)s::uuid[]) as s (id)
cross join
    lateral (  -- noqa: ST05
        select n.* from (
            (
                select
                    p.schedule_id, p.id, p.slot_at, p.origin, p.state, p.reason, p.attempt, p.started_at, p.finished_at,
                    p.skipped_count
                from runs as p
                where p.tenant_id = %(tenant_id)s and p.schedule_id = s.id and p.origin in ('schedule', 'backfill')
                order by p.slot_at desc
                limit %(room)s
            )
            union all
            (
                select
                    d.schedule_id, d.id, d.slot_at, d.origin, d.state, d.reason, d.attempt, d.started_at, d.finished_at,
                    d.skipped_count
                from runs as d
                where d.tenant_id = %(tenant_id)s and d.schedule_id = s.id and d.origin not in ('schedule', 'backfill')
                order by d.slot_at desc
                limit %(room)s
            )
        ) as n
        order by n.slot_at desc
        limit %(room)s
    ) as r
order by r.schedule_id asc, r.slot_at desc, r.id desc
