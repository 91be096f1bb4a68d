-- Of each of some alerts the weightiest segment with its figure and since when it is so, how many segments there are and
-- fire, and when somebody was last told. Groups these. Index: alert_states' key.
select
    a.alert_id as id, count(*) as segments, count(*) filter (where a.state in ('firing', 'recovering')) as firing,
    (array_agg(a.segment order by w.weight, a.since desc))[1] as segment,
    (array_agg(a.value order by w.weight, a.since desc))[1] as value,
    (array_agg(a.since order by w.weight, a.since desc))[1] as since,
    max((a.memory ->> 'last_notified_at')::timestamptz) as told_at
from alert_states as a
cross join lateral
    (select array_position(array['firing', 'recovering', 'error', 'no_data', 'pending', 'ok'], a.state) as weight) as w
where a.tenant_id = %(tenant_id)s and a.alert_id = any(%(ids)s)
group by a.alert_id
