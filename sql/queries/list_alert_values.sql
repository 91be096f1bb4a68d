-- Of each of some alerts the weightiest segment with its figure and since when it is so, how many segments there are
-- and fire, and when somebody was last told. Groups these. Index: alert_states' key.
with weighed as (
    select
        a.alert_id as id, a.segment, a.state, a.value, a.since,
        (a.memory ->> 'last_notified_at')::timestamptz as told_at,
        array_position(array['firing', 'recovering', 'error', 'no_data', 'pending', 'ok'], a.state) as weight
    from alert_states as a
    where a.tenant_id = %(tenant_id)s and a.alert_id = any(%(ids)s)
)

select
    w.id, count(*) as segments, count(*) filter (where w.weight <= 2) as firing,
    (array_agg(w.segment order by w.weight asc, w.since desc))[1] as segment,
    (array_agg(w.value order by w.weight asc, w.since desc))[1] as value,
    (array_agg(w.since order by w.weight asc, w.since desc))[1] as since,
    max(w.told_at) as told_at
from weighed as w
group by w.id
