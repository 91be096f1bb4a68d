-- Records why a schedule could not be planned: fails it, or tries it again after a minute when that may help.
-- Locks: the one schedule.
update schedules as s
set
    last_error = %(error)s, last_error_at = now(),
    status = case when %(is_final)s then 'failed' else s.status end,
    next_fire_at = case when %(is_final)s then null else now() + interval '1 minute' end
where s.id = %(id)s and s.status = 'active'
