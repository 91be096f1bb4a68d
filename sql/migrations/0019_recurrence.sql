-- Schedules that recur as no cron expression tells: scheduler/recurrence.py says what the column holds.

alter table schedules add column recurrence jsonb;

-- Made anew below, and wider: whatever was let in before still is.
-- squawk-ignore ban-drop-constraint
alter table schedules drop constraint schedules_recur_one_way;

-- No release has these tables yet, so nobody waits for the checks.
alter table schedules
-- squawk-ignore constraint-missing-not-valid
add constraint schedules_recur_one_way
check (num_nonnulls(cron, interval_seconds, scheduled_at, recurrence) = 1),
-- squawk-ignore constraint-missing-not-valid
add constraint schedules_recurrence_is_object check (jsonb_typeof(recurrence) = 'object');

-- The same with the new column: an edit of it raises the version, which is kept.
drop trigger schedules_raise_version on schedules;
create trigger schedules_raise_version
before update of kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, recurrence, timezone, dst_gap,
dst_fold, starts_at, ends_at, misfire_policy, misfire_grace_seconds, misfire_limit, overlap_policy, jitter_seconds,
max_runs, max_attempts, backoff, timeout_seconds, unknown_delivery_policy, queue, plan_from on schedules
for each row execute function raise_schedule_version();

drop trigger schedules_keep_version on schedules;
create trigger schedules_keep_version
after insert or update of kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, recurrence, timezone,
dst_gap, dst_fold, starts_at, ends_at, misfire_policy, misfire_grace_seconds, misfire_limit, overlap_policy,
jitter_seconds, max_runs, max_attempts, backoff, timeout_seconds, unknown_delivery_policy, queue, plan_from on schedules
for each row execute function keep_schedule_version();
