-- A tenant's run by its id and the slot that the id carries. Index: runs' key.
select
    r.id, r.slot_at, r.tenant_id, r.schedule_id, s.name as schedule_name, r.schedule_version, r.parent_run_id,
    r.item_key, r.kind, r.queue, r.origin, r.triggered_by, r.state, r.reason, r.fence, r.attempt, r.max_attempts,
    r.leased_by, r.deadline_at, r.cancel_requested_at,
    r.skipped_until, r.skipped_count, r.started_at, r.finished_at, r.outcome, r.error, r.progress, r.created_at,
    nullif(r.available_at, 'infinity') as available_at, r.limited_by
from runs as r
left join schedules as s on r.tenant_id = s.tenant_id and r.schedule_id = s.id
where r.tenant_id = %(tenant_id)s and r.id = %(id)s and r.slot_at = %(slot_at)s
