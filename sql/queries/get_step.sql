-- The stored result of a step. Index: run_steps' key.
select s.result as value from run_steps as s
where s.run_id = %(run_id)s and s.slot_at = %(slot_at)s and s.name = %(name)s
