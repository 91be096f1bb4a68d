-- What a run keeps of its kickoffs, by the names of their steps, and how many seconds ago. Index: run_steps' key.
select s.name, s.result as value, extract(epoch from now() - s.created_at)::float8 as seconds
from run_steps as s
where s.run_id = %(run_id)s and s.slot_at = %(slot_at)s and starts_with(s.name, 'kickoff')
