-- Settles a pending delivery whose recipient is suppressed, for its schedule or at all; no row: it may be sent.
-- Locks: the delivery. Index: deliveries' key, runs' key, suppressions_one_per_scope.
update deliveries as d
set state = 'suppressed', fence = d.fence + 1, error = 'the recipient is suppressed: ' || s.reason
from suppressions as s
where
    d.id = %(id)s and d.slot_at = %(slot_at)s and d.state || '' = 'pending'
    and s.tenant_id = d.tenant_id and s.recipient = lower(d.recipient)
    and (
        s.schedule_id is null
        or s.schedule_id = (select r.schedule_id from runs as r where r.id = d.run_id and r.slot_at = d.slot_at)
    )
returning d.error as value
