-- The runs of a schedule of a tenant's, newest slot first, on from a place. The filters are those of list_runs.
-- Index: runs_one_per_slot and runs_on_demand (each is partial, so each is asked by itself, in the order that it has);
-- list_runs walks runs_of_tenant, which reads what all other schedules did meanwhile: 28 to 180 ms a page among 500,000
-- runs of a tenant, against 1.
with newest as (
    (
        select p.* from runs as p
        where
            p.tenant_id = %(tenant_id)s and p.schedule_id = %(schedule_id)s::uuid
            and p.origin in ('schedule', 'backfill')
            and p.slot_at >= greatest(%(first_at)s::timestamptz, '-infinity')
            and p.slot_at <= least(%(last_at)s::timestamptz, %(before_at)s::timestamptz, 'infinity')
            and (%(state)s::text is null or p.state = %(state)s)
            and (%(kind)s::text is null or p.kind = %(kind)s)
            and (%(origin)s::text is null or p.origin = %(origin)s)
            and (%(parent_run_id)s::uuid is null or p.parent_run_id = %(parent_run_id)s)
            and (%(before_at)s::timestamptz is null or (p.slot_at, p.id) < (%(before_at)s, %(before_id)s::uuid))
        order by p.slot_at desc
        fetch first %(room)s rows with ties
    )
    union all
    (
        select m.* from runs as m
        where
            m.tenant_id = %(tenant_id)s and m.schedule_id = %(schedule_id)s::uuid
            and m.origin not in ('schedule', 'backfill')
            and m.slot_at >= greatest(%(first_at)s::timestamptz, '-infinity')
            and m.slot_at <= least(%(last_at)s::timestamptz, %(before_at)s::timestamptz, 'infinity')
            and (%(state)s::text is null or m.state = %(state)s)
            and (%(kind)s::text is null or m.kind = %(kind)s)
            and (%(origin)s::text is null or m.origin = %(origin)s)
            and (%(parent_run_id)s::uuid is null or m.parent_run_id = %(parent_run_id)s)
            and (%(before_at)s::timestamptz is null or (m.slot_at, m.id) < (%(before_at)s, %(before_id)s::uuid))
        order by m.slot_at desc
        fetch first %(room)s rows with ties
    )
)

select
    r.id, r.slot_at, r.tenant_id, r.schedule_id, s.name as schedule_name, r.schedule_version, r.parent_run_id,
    r.item_key, r.kind, r.queue, r.origin, r.triggered_by, r.state, r.reason, r.fence, r.attempt, r.max_attempts,
    r.leased_by, r.deadline_at, r.cancel_requested_at,
    r.skipped_until, r.skipped_count, r.started_at, r.finished_at, r.outcome, r.error, r.progress, r.created_at,
    nullif(r.available_at, 'infinity') as available_at, r.limited_by
from newest as r
left join schedules as s on s.tenant_id = %(tenant_id)s and s.id = %(schedule_id)s::uuid
where (%(tag)s::text is null or s.tags @> array[%(tag)s::text])
order by r.slot_at desc, r.id desc
limit %(room)s
