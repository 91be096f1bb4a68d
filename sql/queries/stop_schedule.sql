-- Pauses or cancels a schedule: no slot is planned from now on. The caller holds the lock. Index: schedules' key.
update schedules as s
set status = %(status)s, pause_note = %(note)s, next_fire_at = null, updated_at = now()
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
