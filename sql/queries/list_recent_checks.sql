-- What the newest checks of a schedule before a slot recorded of one segment, newest first: sixty of them.
-- Index: runs_one_per_slot.
select
    r.slot_at, (s.kept ->> 'windowStart')::timestamptz as window_start, (s.kept ->> 'measured')::numeric as measured,
    (s.kept ->> 'thresholdLow')::numeric as low, (s.kept ->> 'thresholdHigh')::numeric as high,
    s.kept ->> 'state' as state
from (
    select c.slot_at, c.outcome from runs as c
    where
        c.tenant_id = %(tenant_id)s and c.schedule_id = %(schedule_id)s
        and c.origin in ('schedule', 'backfill') and c.slot_at < %(slot_at)s
        and c.state = 'succeeded' and jsonb_typeof(c.outcome -> 'segments') = 'array'
    order by c.slot_at desc
    limit 60
) as r
cross join lateral jsonb_array_elements(r.outcome -> 'segments') as s (kept)
where s.kept ->> 'segment' = %(segment)s
order by r.slot_at desc
