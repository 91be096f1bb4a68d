-- Makes a schedule active from now on; what passed meanwhile is not planned. The caller holds the lock.
-- Index: schedules' key.
update schedules as s
set
    status = 'active', pause_note = null, next_fire_at = %(next_fire_at)s, plan_from = now(), last_error = null,
    last_error_at = null
where s.tenant_id = %(tenant_id)s and s.id = %(id)s
