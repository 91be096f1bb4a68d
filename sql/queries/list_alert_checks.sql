-- What the newest checks of a schedule since an instant recorded of one segment, newest first; of a check that recorded
-- nothing of it only how it ended. Index: runs_one_per_slot.
with checks as (
    select
        r.id, r.slot_at, r.state,
        jsonb_path_query_first(
            r.outcome, '$.segments[*] ? (@.segment == $name)', jsonb_build_object('name', %(segment)s::text)
        ) as kept
    from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s
        and r.origin in ('schedule', 'backfill') and r.slot_at >= %(since)s
    order by r.slot_at desc
    limit %(room)s
)

select
    c.id, c.slot_at, c.state as run_state, (c.kept ->> 'measured')::numeric as measured,
    (c.kept ->> 'thresholdLow')::numeric as low, (c.kept ->> 'thresholdHigh')::numeric as high,
    c.kept ->> 'state' as state, c.kept ->> 'outcome' as outcome,
    coalesce((c.kept ->> 'notified')::boolean, false) as is_told, c.kept ->> 'sentence' as sentence
from checks as c
order by c.slot_at desc
