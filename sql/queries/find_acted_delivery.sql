-- The delivery that a recipient's link is about, and whose it is. Index: deliveries' key, runs' key.
select d.id, d.slot_at, d.tenant_id, d.run_id, r.schedule_id, d.recipient, d.state
from deliveries as d
left join runs as r on d.run_id = r.id and d.slot_at = r.slot_at
where d.id = %(id)s and d.slot_at = %(slot_at)s
