-- A tenant's users, newest first, on from a place, or the one of an id; of a segment, or active ones, where that is
-- asked. Sorted. Index: users_listed.
select
    u.id, u.uid, u.context, u.goal, u.segment, u.priority, u.active, u.created_at, u.updated_at
from users as u
where
    u.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or u.id = %(id)s)
    and (%(segment)s::text is null or u.segment = %(segment)s)
    and (%(active)s::boolean is null or u.active = %(active)s)
    and (%(before_at)s::timestamptz is null or (u.created_at, u.id) < (%(before_at)s, %(before_id)s::uuid))
order by u.created_at desc, u.id desc
limit %(room)s
