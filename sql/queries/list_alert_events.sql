-- The moves of an alert's states, those at the newest slots first, on from a place. Index: alert_events_of_alert.
select e.id, e.segment, e.previous_state, e.state, e.value, e.reason, e.slot_at, e.run_id, e.created_at
from alert_events as e
where
    e.tenant_id = %(tenant_id)s and e.alert_id = %(alert_id)s
    and (%(segment)s::text is null or e.segment = %(segment)s)
    and (%(before_at)s::timestamptz is null or (e.slot_at, e.id) < (%(before_at)s, %(before_id)s::uuid))
order by e.slot_at desc, e.id desc
limit %(room)s
