-- A tenant's schedules, newest first, on from a place. Index: schedules_of_tenant, watches' key,
-- runs_one_per_slot; schedules_next_of_tenant for what is overdue, which is looked up once, and only where it is asked.
select
    s.id, s.tenant_id, s.kind, s.name, s.params, s.cron, s.interval_seconds, s.interval_anchor, s.scheduled_at,
    s.timezone, s.dst_gap, s.dst_fold, s.starts_at, s.ends_at,
    coalesce(made.fire_at, s.next_fire_at) as next_fire_at, s.last_slot_at, s.plan_from, s.last_run_at,
    s.status, s.misfire_policy, s.misfire_grace_seconds, s.misfire_limit, s.overlap_policy, s.jitter_seconds,
    s.max_runs, s.run_count, s.max_attempts, s.backoff, s.timeout_seconds,
    s.unknown_delivery_policy, s.priority, s.queue, s.pause_note, s.metadata, s.tags, s.version, s.last_error,
    s.last_error_at, s.created_by, s.created_at, s.updated_at, s.uses, s.calendar_id, s.recurrence,
    s.deliver_within_seconds, w.late_since, made.runs as made_ahead
from (
    select p.* from schedules as p
    where
        p.tenant_id = %(tenant_id)s
        and (%(kind)s::text is null or p.kind = %(kind)s)
        and (%(status)s::text is null or p.status = %(status)s)
        and (%(search)s::text is null or strpos(lower(p.name), lower(%(search)s)) > 0)
        and (%(tag)s::text is null or p.tags @> array[%(tag)s::text])
        and (%(metadata)s::jsonb is null or p.metadata @> %(metadata)s)
        and (%(first_at)s::timestamptz is null or p.created_at >= %(first_at)s)
        and (%(last_at)s::timestamptz is null or p.created_at <= %(last_at)s)
        and (
            not %(is_overdue)s::boolean or p.id = any(array(
                select o.id from schedules as o
                where o.tenant_id = %(tenant_id)s and o.status = 'active' and o.next_fire_at <= now()
                union all
                select o.id from watches as l
                inner join schedules as o on l.tenant_id = o.tenant_id and l.schedule_id = o.id
                where
                    l.tenant_id = %(tenant_id)s and (
                        l.late_since is not null
                        or l.look_at < now() - interval '30 seconds' and overdue_slot(o, l.since) is not null
                    )
            ))
        )
        and (%(before_at)s::timestamptz is null or (p.created_at, p.id) < (%(before_at)s, %(before_id)s::uuid))
    order by p.created_at desc, p.id desc
    limit %(room)s
) as s
left join watches as w on s.tenant_id = w.tenant_id and s.id = w.schedule_id
cross join
    lateral (
        select min(coalesce(r.released_at, r.available_at)) as fire_at, count(*) as runs from runs as r
        where
            r.tenant_id = %(tenant_id)s and r.schedule_id = s.id and r.origin = 'schedule'
            and r.slot_at > now() - interval '1 day' and r.attempt = 0 and (
                r.state = 'queued' and r.released_at > now()
                or r.state = 'pending' and r.fence = 0 and r.limited_by is not null and r.available_at > now()
                and r.available_at < 'infinity'
            )
    ) as made
order by s.created_at desc, s.id desc
