-- A tenant's suppressions, newest first, on from a place, or the one of an id. Sorted.
-- Index: suppressions' keys (tenant_id, id) and (tenant_id, recipient, schedule_id).
select s.id, s.recipient, s.schedule_id, s.reason, s.source, s.note, s.run_id, s.delivery_id, s.created_at
from suppressions as s
where
    s.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or s.id = %(id)s)
    and (%(recipient)s::text is null or s.recipient = %(recipient)s)
    and (%(reason)s::text is null or s.reason = %(reason)s)
    and (%(before_at)s::timestamptz is null or (s.created_at, s.id) < (%(before_at)s, %(before_id)s::uuid))
order by s.created_at desc, s.id desc
limit %(room)s
