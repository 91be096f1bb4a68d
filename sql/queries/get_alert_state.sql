-- What an alert knew when it was last evaluated. Index: alert_states' key.
select a.state, a.value, a.since from alert_states as a
where a.tenant_id = %(tenant_id)s and a.alert_id = %(alert_id)s and a.segment = %(segment)s
