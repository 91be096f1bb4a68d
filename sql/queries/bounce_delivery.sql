-- Writes that a delivery came back. No row: it did not go out, or is bounced already. Index: deliveries' key.
update deliveries as d
set state = 'bounced', fence = d.fence + 1, error = %(error)s
where
    d.tenant_id = %(tenant_id)s and d.id = %(id)s and d.slot_at = %(slot_at)s
    and d.state in ('sent', 'unknown')
