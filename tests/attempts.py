"""What history says of attempts. The one that succeeded stands in its run's own row."""

OUTCOMES = """
    select array_agg(outcome order by fence) from (
        select run_id, fence, outcome from run_attempts
        union
        select id, fence, 'done' from runs where state = 'succeeded'
    ) as each
"""
BAD = "select count(*) from run_attempts where outcome <> 'done'"
# A second one that ended well has another fence than the run was left with.
DONE_TWICE = """
    select count(*) from run_attempts as t inner join runs as r on r.id = t.run_id and r.slot_at = t.slot_at
    where t.outcome = 'done' and t.fence <> r.fence
"""
