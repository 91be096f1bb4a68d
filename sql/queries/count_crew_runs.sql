-- How many calls of a crew there are, by how they went. Index: runs_one_per_item.
select
    count(*) as made,
    count(*) filter (where r.state = 'succeeded' and r.outcome ->> 'outcome' = 'answered') as answered,
    count(*) filter (where r.state = 'dead') as failed,
    count(*) filter (
        where r.state in ('cancelled', 'skipped') or r.state = 'succeeded' and r.outcome ->> 'outcome' <> 'answered'
    ) as skipped,
    count(*) filter (where r.state in ('pending', 'queued', 'running')) as waiting
from runs as r
where r.parent_run_id = %(run_id)s and r.slot_at = %(slot_at)s and r.kind = 'crew.ask'
