-- Pending deliveries that should have been taken up two seconds ago: their ring was lost, or their retry is due.
-- Index: deliveries_pending.
select d.id, d.slot_at
from deliveries as d
where d.state = 'pending' and d.available_at < now() - make_interval(secs => %(age)s)
order by d.available_at, d.id
limit %(room)s
