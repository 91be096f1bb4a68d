-- A tenant's runs, newest slot first, on from a place. Index: runs_of_tenant; list_runs_of_schedule has its own.
select
    r.id, r.slot_at, r.tenant_id, r.schedule_id, s.name as schedule_name, r.schedule_version, r.parent_run_id,
    r.item_key, r.kind, r.queue, r.origin, r.triggered_by, r.state, r.reason, r.fence, r.attempt, r.max_attempts,
    r.leased_by, r.deadline_at, r.cancel_requested_at,
    r.skipped_until, r.skipped_count, r.started_at, r.finished_at, r.outcome, r.error, r.progress, r.created_at,
    nullif(r.available_at, 'infinity') as available_at, r.limited_by
from runs as r
left join schedules as s on r.tenant_id = s.tenant_id and s.id = any(array[r.schedule_id])
where
    r.tenant_id = %(tenant_id)s
    and (%(state)s::text is null or r.state = %(state)s)
    and (%(kind)s::text is null or r.kind = %(kind)s)
    and (%(origin)s::text is null or r.origin = %(origin)s)
    and (%(parent_run_id)s::uuid is null or r.parent_run_id = %(parent_run_id)s)
    and (%(tag)s::text is null or s.tags @> array[%(tag)s::text])
    and (%(first_at)s::timestamptz is null or r.slot_at >= %(first_at)s)
    and (%(last_at)s::timestamptz is null or r.slot_at <= %(last_at)s)
    and (%(before_at)s::timestamptz is null or (r.slot_at, r.id) < (%(before_at)s, %(before_id)s::uuid))
order by r.slot_at desc, r.id desc
limit %(room)s
