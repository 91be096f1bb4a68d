-- Those of a tenant's schedules whose next slot has come and is not planned yet, or that may have one if their jitter
-- is not waited for.
-- One that keeps a calendar may have passed holidays by, which are recorded before it changes.
-- The columns are those of claim_due_schedules.sql.
-- Locks: nothing new, the caller's transaction holds the schedules. Index: schedules' key.
select
    s.id, s.tenant_id, s.kind, s.queue, s.cron, s.interval_seconds, s.interval_anchor, s.scheduled_at,
    s.recurrence::text as recurrence, s.timezone, s.dst_gap, s.dst_fold, s.starts_at, s.ends_at, s.next_fire_at,
    s.last_slot_at,
    greatest(s.plan_from, now() - make_interval(days => %(retention_days)s)) as plan_from, s.misfire_policy,
    s.misfire_grace_seconds, s.misfire_limit, s.overlap_policy, s.jitter_seconds, s.max_runs, s.run_count,
    s.calendar_id, now() as claimed_at
from schedules as s
where
    s.tenant_id = %(tenant_id)s and s.id = any(%(ids)s) and s.status = 'active'
    and (
        s.next_fire_at <= now()
        or s.next_fire_at is not null and (%(has_no_jitter)s or s.calendar_id is not null)
    )
