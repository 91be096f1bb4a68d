-- Writes what an edit left of a schedule; a trigger raises its version and keeps it. The caller holds the lock.
-- Index: schedules' key.
update schedules as s
set
    name = %(name)s, params = %(params)s, cron = %(cron)s, interval_seconds = %(interval_seconds)s,
    interval_anchor = %(interval_anchor)s, scheduled_at = %(scheduled_at)s, timezone = %(timezone)s,
    dst_gap = %(dst_gap)s, dst_fold = %(dst_fold)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s,
    next_fire_at = %(next_fire_at)s, plan_from = %(plan_from)s, misfire_policy = %(misfire_policy)s,
    misfire_grace_seconds = %(misfire_grace_seconds)s, misfire_limit = %(misfire_limit)s,
    overlap_policy = %(overlap_policy)s, jitter_seconds = %(jitter_seconds)s, max_runs = %(max_runs)s,
    max_attempts = %(max_attempts)s, backoff = %(backoff)s, timeout_seconds = %(timeout_seconds)s,
    unknown_delivery_policy = %(unknown_delivery_policy)s, priority = %(priority)s, queue = %(queue)s,
    metadata = %(metadata)s, tags = %(tags)s, uses = %(uses)s, calendar_id = %(calendar_id)s,
    recurrence = %(recurrence)s, deliver_within_seconds = %(deliver_within_seconds)s
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
