-- Locks a tenant's active schedules of a kind whose next slot has come, but those that somebody else plans or changes
-- now. Locks: the schedules in the order of their ids, skipping what is held. Index: schedules_due.
select s.id, s.last_slot_at
from schedules as s
where s.tenant_id = %(tenant_id)s and s.kind = %(kind)s and s.status = 'active' and s.next_fire_at <= now()
order by s.id
for update skip locked
