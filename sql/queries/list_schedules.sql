-- A tenant's schedules, newest first. Index: schedules' key (tenant_id, id); the order is sorted.
select
    s.id, s.tenant_id, s.kind, s.name, s.params, s.cron, s.interval_seconds, s.interval_anchor, s.scheduled_at,
    s.timezone, s.dst_gap, s.dst_fold, s.starts_at, s.ends_at, s.next_fire_at, s.last_slot_at, s.plan_from,
    s.last_run_at, s.status, s.misfire_policy, s.misfire_grace_seconds, s.misfire_limit, s.overlap_policy,
    s.jitter_seconds, s.max_runs, s.run_count, s.max_attempts, s.backoff, s.timeout_seconds,
    s.unknown_delivery_policy, s.priority, s.queue, s.pause_note, s.metadata, s.tags, s.version, s.last_error,
    s.last_error_at, s.created_by, s.created_at, s.updated_at
from schedules as s
where
    s.tenant_id = %(tenant_id)s
    and (%(kind)s::text is null or s.kind = %(kind)s)
    and (%(status)s::text is null or s.status = %(status)s)
order by s.created_at desc, s.id desc
limit %(room)s
