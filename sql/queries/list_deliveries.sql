-- The deliveries of a run. Index: deliveries_one_per_recipient.
select
    d.id, d.run_id, d.slot_at, d.channel, d.recipient, d.recipient_type, d.state, d.attempts, d.max_attempts,
    d.unknown_policy, d.unknown_count, d.available_at, d.provider_message_id, d.error, d.created_at, d.sent_at,
    (
        select c.name from channels as c
        where d.channel <> 'email' and c.tenant_id = d.tenant_id and c.id::text = d.recipient
    ) as recipient_name
from deliveries as d
where d.tenant_id = %(tenant_id)s and d.run_id = %(run_id)s and d.slot_at = %(slot_at)s
order by d.channel, d.recipient
