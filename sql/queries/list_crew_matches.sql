-- The users in whose answers the rule of a crew's run found something, by their uid, and how many there are in all.
-- Index: alert_events_of_crew.
select e.segment as user_uid, e.reason, (count(*) over ())::integer as total
from alert_events as e
where e.tenant_id = %(tenant_id)s and e.crew_run_id = %(run_id)s
order by e.segment
limit %(room)s
