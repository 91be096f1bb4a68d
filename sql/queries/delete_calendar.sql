-- Deletes a calendar that no schedule keeps; schedules that are over forget it, and their versions still name it.
-- Index: calendars' key (tenant_id, id), schedules_of_calendar.
with
forgotten as (
    update schedules as s
    set calendar_id = null
    where s.tenant_id = %(tenant_id)s and s.calendar_id = %(id)s and s.status in ('completed', 'cancelled')
)

delete from calendars as c where c.tenant_id = %(tenant_id)s and c.id = %(id)s
