-- How many of a tenant's active schedules are due next in each column of time, of the soonest `room`; what is overdue
-- is in the first. Takes no lock. Index: schedules_next_of_tenant, which holds all that is asked.
select
    greatest(0, floor(
        extract(epoch from f.next_fire_at - %(first_at)s::timestamptz) / %(width)s::integer
    ))::integer as number,
    count(*) as schedules
from (
    select s.next_fire_at from schedules as s
    where
        s.tenant_id = %(tenant_id)s and s.status = 'active' and s.next_fire_at is not null
        and s.next_fire_at < %(until)s
    order by s.next_fire_at, s.id
    limit %(room)s
) as f
group by number
