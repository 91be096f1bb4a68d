-- What the newest checks of a schedule since an instant recorded of one segment, newest first, those asked for by hand
-- among them; of a check that recorded nothing of it only how it ended. Indexes: runs_one_per_slot, runs_on_demand.
with checks as (
    (
        select r.id, r.slot_at, r.state, r.outcome from runs as r
        where
            r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s
            and r.origin in ('schedule', 'backfill') and r.slot_at >= %(since)s
        order by r.slot_at desc
        limit %(room)s
    )
    union all
    (
        select r.id, r.slot_at, r.state, r.outcome from runs as r
        where
            r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s
            and r.origin not in ('schedule', 'backfill') and r.slot_at >= %(since)s
        order by r.slot_at desc
        limit %(room)s
    )
),

newest as (
    select
        c.id, c.slot_at, c.state,
        jsonb_path_query_first(
            c.outcome, '$.segments[*] ? (@.segment == $name)', jsonb_build_object('name', %(segment)s::text)
        ) as kept
    from checks as c
    order by c.slot_at desc
    limit %(room)s
)

select
    c.id, c.slot_at, c.state as run_state, (c.kept ->> 'measured')::numeric as measured,
    (c.kept ->> 'thresholdLow')::numeric as low, (c.kept ->> 'thresholdHigh')::numeric as high,
    c.kept ->> 'state' as state, c.kept ->> 'outcome' as outcome,
    coalesce((c.kept ->> 'notified')::boolean, false) as is_told, c.kept ->> 'sentence' as sentence
from newest as c
order by c.slot_at desc
