-- Locks the schedules that keep a calendar and are not over, in the order of their ids.
-- Locks: those rows, waiting for tickers. Index: schedules_of_calendar.
select s.id, s.name, s.status, s.next_fire_at from schedules as s
where
    s.tenant_id = %(tenant_id)s and s.calendar_id = %(calendar_id)s
    and s.status in ('active', 'paused', 'failed')
order by s.id
for update
