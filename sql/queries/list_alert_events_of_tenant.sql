-- A tenant's alert events, those at the newest slots first, on from a place: moves of alerts, and what the rules of
-- crews found. Of a run: what it found, or what the calls of this crew's run found.
-- Index: alert_events_listed, alert_events_of_run, alert_events_of_alert, alert_events_of_crew.
select
    e.id, e.alert_id, e.response_id, e.crew_run_id, e.run_id, e.segment, e.previous_state, e.state, e.value, e.reason,
    e.slot_at, e.created_at
from alert_events as e
where
    e.tenant_id = %(tenant_id)s
    and (%(alert_id)s::uuid is null or e.alert_id = %(alert_id)s)
    and (%(run_id)s::uuid is null or e.run_id = %(run_id)s or e.crew_run_id = %(run_id)s)
    and (%(first_at)s::timestamptz is null or e.slot_at >= %(first_at)s)
    and (%(last_at)s::timestamptz is null or e.slot_at <= %(last_at)s)
    and (%(before_at)s::timestamptz is null or (e.slot_at, e.id) < (%(before_at)s, %(before_id)s::uuid))
order by e.slot_at desc, e.id desc
limit %(room)s
