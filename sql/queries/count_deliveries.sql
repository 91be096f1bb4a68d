-- A tenant's deliveries that were made within the last day by their state, of the newest `room`; whichever slots they
-- are of, as a backfill's are made today. Takes no lock. Index: deliveries_made.
select f.state, count(*) as deliveries
from (
    select d.state from deliveries as d
    where d.tenant_id = %(tenant_id)s and d.created_at > now() - interval '1 day'
    order by d.created_at desc, d.id desc
    limit %(room)s
) as f
group by f.state
