-- What the days of calendars follow from, for the schedules of a batch that keep one: one statement for all of them,
-- and none where nobody keeps any. Takes no lock: whoever edits a calendar has to lock each of its schedules first.
-- Index: calendars' key (tenant_id, id).
select c.id, c.country, c.subdivision, c.own_days
from unnest(%(tenant_ids)s::uuid[], %(ids)s::uuid[]) as a (tenant_id, id)
inner join calendars as c on a.tenant_id = c.tenant_id and a.id = c.id
