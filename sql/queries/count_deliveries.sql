-- A tenant's deliveries of slots within the last day by their state, of the newest `room`.
-- Takes no lock. Index: deliveries_of_tenant.
select f.state, count(*) as deliveries
from (
    select d.state from deliveries as d
    where d.tenant_id = %(tenant_id)s and d.slot_at > now() - interval '1 day' and d.slot_at <= now()
    order by d.slot_at desc, d.id desc
    limit %(room)s
) as f
group by f.state
