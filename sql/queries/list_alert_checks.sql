-- What the newest checks of a schedule since an instant recorded of one segment, newest first; of a check that recorded
-- nothing of it only how it ended. Index: runs_one_per_slot.
select
    r.id, r.slot_at, r.state as run_state, (s.kept ->> 'measured')::numeric as measured,
    (s.kept ->> 'thresholdLow')::numeric as low, (s.kept ->> 'thresholdHigh')::numeric as high,
    s.kept ->> 'state' as state, s.kept ->> 'outcome' as outcome,
    coalesce((s.kept ->> 'notified')::boolean, false) as is_told, s.kept ->> 'sentence' as sentence
from (
    select c.id, c.slot_at, c.state, c.outcome from runs as c
    where
        c.tenant_id = %(tenant_id)s and c.schedule_id = %(schedule_id)s
        and c.origin in ('schedule', 'backfill') and c.slot_at >= %(since)s
    order by c.slot_at desc
    limit %(room)s
) as r
cross join lateral
    (
        select jsonb_path_query_first(
            r.outcome, '$.segments[*] ? (@.segment == $name)', jsonb_build_object('name', %(segment)s::text)
        ) as kept
    ) as s
order by r.slot_at desc
