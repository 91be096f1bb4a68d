-- Locks a tenant's calendar for the caller's transaction: no schedule is given it meanwhile.
-- Index: calendars' key (tenant_id, id).
select c.id from calendars as c
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
for update
