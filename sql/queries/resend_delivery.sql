-- Has a settled delivery sent anew, with as many attempts as it had; one that was sent only when it is forced.
-- No row: it is open, or was sent and is not forced. Locks: the delivery. Index: deliveries' key.
update deliveries as d
set
    state = 'pending', fence = d.fence + 1, available_at = now(), max_attempts = d.attempts + 12, error = null,
    handed_over_at = null, resends = d.resends + (d.state in ('sent', 'bounced'))::integer
where
    d.tenant_id = %(tenant_id)s and d.id = %(id)s and d.slot_at = %(slot_at)s
    and (d.state in ('failed', 'unknown', 'suppressed', 'bounced') or (d.state = 'sent' and %(is_forced)s::boolean))
