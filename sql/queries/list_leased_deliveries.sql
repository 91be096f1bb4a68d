-- The deliveries that a process leases. Takes no lock. Index: deliveries_sending.
select d.id, d.slot_at, d.fence
from deliveries as d
where d.state = 'sending' and d.leased_by = %(process_id)s
