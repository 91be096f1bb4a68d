-- The silences of an alert, or of all, that hold at some time of a span, those that end last first. Sorted.
-- Index: silences_by_end.
select s.name, s.segment, s.starts_at, s.ends_at from silences as s
where
    s.tenant_id = %(tenant_id)s and s.ends_at > %(since)s and s.starts_at < %(until)s
    and (s.alert_id is null or s.alert_id = %(alert_id)s)
order by s.ends_at desc
limit %(room)s
