-- A tenant's dead letters in a state, newest first, on from a place; `error` is a pattern as groups have it. Index:
-- dead_letters_open for those that are open, dead_letters_alike for those of a pattern, dead_letters' key by ids.
select
    d.id, d.run_id, d.slot_at, d.schedule_id, s.name as schedule_name, d.parent_run_id, d.item_key, d.kind, d.cause,
    d.error, d.attempts, d.fence, d.state, d.created_at, d.resolved_at, d.resolved_by
from dead_letters as d
left join schedules as s on d.tenant_id = s.tenant_id and s.id = any(array[d.schedule_id])
where
    d.tenant_id = %(tenant_id)s and d.state = %(state)s
    and (%(schedule_id)s::uuid is null or d.schedule_id = %(schedule_id)s)
    and (%(parent_run_id)s::uuid is null or d.parent_run_id = %(parent_run_id)s)
    and (%(kind)s::text is null or d.kind = %(kind)s)
    and (%(cause)s::text is null or d.cause = %(cause)s)
    and (%(error)s::text is null or d.error_pattern = %(error)s)
    and (%(ids)s::uuid[] is null or d.id = any(%(ids)s))
    and (%(first_at)s::timestamptz is null or d.created_at >= %(first_at)s)
    and (%(last_at)s::timestamptz is null or d.created_at <= %(last_at)s)
    and (%(before_at)s::timestamptz is null or (d.created_at, d.id) < (%(before_at)s, %(before_id)s::uuid))
order by d.created_at desc, d.id desc
limit %(room)s
