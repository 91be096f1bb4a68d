-- The delivery that a provider's message id and a recipient lead to, and whose it is; the newest one.
-- Index: deliveries_of_provider, runs' key.
select d.id, d.slot_at, d.tenant_id, d.run_id, r.schedule_id, d.recipient, d.state
from deliveries as d
left join runs as r on d.run_id = r.id and d.slot_at = r.slot_at
where d.provider_message_id = %(provider_message_id)s and lower(d.recipient) = %(recipient)s
order by d.slot_at desc
limit 1
