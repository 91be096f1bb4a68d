-- What each segment of an alert remembers from its last check. Index: alert_states' key.
select a.segment, a.state, a.value, a.since, a.slot_at, a.memory from alert_states as a
where a.tenant_id = %(tenant_id)s and a.alert_id = %(alert_id)s
