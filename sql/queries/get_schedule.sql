-- A tenant's schedule by its id or its name; its next fire is that of a run made ahead, while there is one.
-- Index: schedules' keys, watches' key, runs_one_per_slot.
select
    s.id, s.tenant_id, s.kind, s.name, s.params, s.cron, s.interval_seconds, s.interval_anchor, s.scheduled_at,
    s.timezone, s.dst_gap, s.dst_fold, s.starts_at, s.ends_at,
    coalesce(made.fire_at, s.next_fire_at) as next_fire_at, s.last_slot_at, s.plan_from, s.last_run_at,
    s.status, s.misfire_policy, s.misfire_grace_seconds, s.misfire_limit, s.overlap_policy, s.jitter_seconds,
    s.max_runs, s.run_count, s.max_attempts, s.backoff, s.timeout_seconds,
    s.unknown_delivery_policy, s.priority, s.queue, s.pause_note, s.metadata, s.tags, s.version, s.last_error,
    s.last_error_at, s.created_by, s.created_at, s.updated_at, s.uses, s.calendar_id, s.recurrence,
    s.deliver_within_seconds, w.late_since, made.runs as made_ahead
from schedules as s
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
where s.tenant_id = %(tenant_id)s and (s.id = %(id)s or s.name = %(name)s)
order by s.id = %(id)s desc
limit 1
