-- Renames a schedule that is over, so that its name can be taken again; what it was is told as before.
-- Locks: the schedule. Index: schedules' key.
update schedules as s
set name = %(name)s
where s.tenant_id = %(tenant_id)s and s.id = %(id)s and s.status in ('cancelled', 'completed')
