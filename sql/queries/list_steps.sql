-- The steps of a run, oldest first. Index: run_steps' key.
select t.name, t.result, t.created_at
from run_steps as t
where t.tenant_id = %(tenant_id)s and t.run_id = %(run_id)s and t.slot_at = %(slot_at)s
order by t.created_at, t.name
