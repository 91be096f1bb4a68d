-- Changes a calendar. The caller holds it, and all of its schedules. Index: calendars' key (tenant_id, id).
update calendars as c
set name = %(name)s, country = %(country)s, subdivision = %(subdivision)s, own_days = %(own_days)s, updated_at = now()
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
