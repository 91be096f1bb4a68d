-- The silences of an alert, or of all, that hold at an instant. Index: silences_by_end.
select s.segment, s.starts_at, s.ends_at, s.name from silences as s
where
    s.tenant_id = %(tenant_id)s and s.ends_at > %(at)s and s.starts_at <= %(at)s
    and (s.alert_id is null or s.alert_id = %(alert_id)s)
