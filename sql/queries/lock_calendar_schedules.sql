-- The schedules that keep a calendar and are not over, in the order in which they are locked.
-- Index: schedules_of_calendar.
select s.id from schedules as s
where
    s.tenant_id = %(tenant_id)s and s.calendar_id = %(calendar_id)s
    and s.status in ('active', 'paused', 'failed')
order by s.id
