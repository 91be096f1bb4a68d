-- Notes on a delivery that went out what its provider says; its state stays. Index: deliveries' key.
update deliveries as d
set error = %(error)s
where d.tenant_id = %(tenant_id)s and d.id = %(id)s and d.slot_at = %(slot_at)s and d.state in ('sent', 'unknown')
