-- Makes a schedule; no row: the tenant has one of that name. Its version and its gate are made by triggers.
-- Locks: nothing but the new row. Index: schedules' keys.
insert into schedules (
    id, tenant_id, kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, timezone, dst_gap,
    dst_fold, starts_at, ends_at, next_fire_at, plan_from, misfire_policy, misfire_grace_seconds, misfire_limit,
    overlap_policy, jitter_seconds, max_runs, max_attempts, backoff, timeout_seconds, unknown_delivery_policy, priority,
    queue, metadata, tags, uses, calendar_id, recurrence,
    deliver_within_seconds, created_by
)
values (
    %(id)s, %(tenant_id)s, %(kind)s, %(name)s, %(params)s, %(cron)s, %(interval_seconds)s, %(interval_anchor)s,
    %(scheduled_at)s, %(timezone)s, %(dst_gap)s, %(dst_fold)s, %(starts_at)s, %(ends_at)s, %(next_fire_at)s, now(),
    %(misfire_policy)s, %(misfire_grace_seconds)s, %(misfire_limit)s, %(overlap_policy)s, %(jitter_seconds)s,
    %(max_runs)s, %(max_attempts)s, %(backoff)s, %(timeout_seconds)s, %(unknown_delivery_policy)s, %(priority)s,
    %(queue)s, %(metadata)s, %(tags)s, %(uses)s, %(calendar_id)s, %(recurrence)s,
    %(deliver_within_seconds)s, %(created_by)s
)
on conflict (tenant_id, name) do nothing
returning id
