-- Drops what is remembered of named segments that are ok, of which nobody waits to be told, and that no check judged
-- within history's time: they are over, and a segment that comes back begins as one that is new does.
-- Locks: these rows, in the order of their key; one that a finish holds is the next time's.
-- Reads the table once, since an index on slot_at would cost each check its place on the page.
with over as (
    select a.alert_id, a.segment from alert_states as a
    where
        a.slot_at < now() - make_interval(days => %(retention_days)s)
        and a.segment <> '' and a.state = 'ok' and a.memory ->> 'alarm' = 'ok'
        and coalesce((a.memory ->> 'is_told')::boolean, false) = false
        and a.memory ->> 'told_trouble' is null and a.memory ->> 'held_since' is null and a.memory ->> 'missed' is null
    order by a.alert_id, a.segment
    for update skip locked
)

delete from alert_states as a using over
where a.alert_id = over.alert_id and a.segment = over.segment
