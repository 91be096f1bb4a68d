-- Changes a limit. The caller holds it. Index: limits' key (tenant_id, id).
update limits as l
set max_running = %(max_running)s, max_per_minute = %(max_per_minute)s, updated_at = now()
where l.tenant_id = %(tenant_id)s and l.id = %(id)s
