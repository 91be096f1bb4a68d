-- What the newest checks of a schedule since an instant recorded of one segment, newest first, those asked for by hand
-- among them; of a check that recorded nothing of it only how it ended. Indexes: runs_one_per_slot, runs_on_demand.
select
    r.id, r.slot_at, r.state as run_state, (s.kept ->> 'measured')::numeric as measured,
    (s.kept ->> 'thresholdLow')::numeric as low, (s.kept ->> 'thresholdHigh')::numeric as high,
    s.kept ->> 'state' as state, s.kept ->> 'outcome' as outcome,
    coalesce((s.kept ->> 'notified')::boolean, false) as is_told, s.kept ->> 'sentence' as sentence
from (
    select b.id, b.slot_at, b.state, b.outcome
    from (
        (
            select c.id, c.slot_at, c.state, c.outcome from runs as c
            where
                c.tenant_id = %(tenant_id)s and c.schedule_id = %(schedule_id)s
                and c.origin in ('schedule', 'backfill') and c.slot_at >= %(since)s
            order by c.slot_at desc
            limit %(room)s
        )
        union all
        (
            select c.id, c.slot_at, c.state, c.outcome from runs as c
            where
                c.tenant_id = %(tenant_id)s and c.schedule_id = %(schedule_id)s
                and c.origin not in ('schedule', 'backfill') and c.slot_at >= %(since)s
            order by c.slot_at desc
            limit %(room)s
        )
    ) as b
    order by b.slot_at desc
    limit %(room)s
) as r
cross join
    lateral jsonb_path_query_first(
        r.outcome, '$.segments[*] ? (@.segment == $name)', jsonb_build_object('name', %(segment)s::text)
    ) as s (kept)
order by r.slot_at desc
