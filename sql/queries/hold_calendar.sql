-- Holds a tenant's calendar that a schedule is given: an edit of its days waits, and then plans that schedule too.
-- Before any schedule is locked. Locks: the row, shared. Index: calendars' key (tenant_id, id).
select c.id from calendars as c
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
for share
