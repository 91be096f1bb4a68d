-- A tenant's silences, newest first, on from a place, or the one of an id; of an alert, and those that hold now or
-- those that don't, where that is given. Sorted. Index: silences' key (tenant_id, id).
select
    s.id, s.name, s.alert_id, s.segment, s.starts_at, s.ends_at,
    s.starts_at <= now() and now() < s.ends_at as is_active, s.created_by, s.created_at, s.updated_at
from silences as s
where
    s.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or s.id = %(id)s)
    and (%(alert_id)s::uuid is null or s.alert_id = %(alert_id)s)
    and (%(is_active)s::boolean is null or (s.starts_at <= now() and now() < s.ends_at) = %(is_active)s)
    and (%(before_at)s::timestamptz is null or (s.created_at, s.id) < (%(before_at)s, %(before_id)s::uuid))
order by s.created_at desc, s.id desc
limit %(room)s
