-- What most of the failed calls of a crew died of: one of those errors, and how many they are. No row: none failed.
-- Index: runs_one_per_item.
select min(r.error) as error, count(*)::integer as users
from runs as r
where r.parent_run_id = %(run_id)s and r.slot_at = %(slot_at)s and r.kind = 'crew.ask' and r.state = 'dead'
group by error_pattern(r.error)
order by count(*) desc, min(r.error)
limit 1
