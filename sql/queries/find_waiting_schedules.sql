-- The schedules that have a run waiting at their gate. Index: runs_waiting.
select distinct r.schedule_id
from runs as r
where r.state = 'pending' and r.available_at = 'infinity'
order by r.schedule_id
limit 1000
