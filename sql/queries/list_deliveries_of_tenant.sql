-- A tenant's deliveries, newest slot first, on from a place. Index: deliveries_of_tenant.
select
    d.id, d.run_id, d.slot_at, d.channel, d.recipient, d.recipient_type, d.state, d.attempts, d.max_attempts,
    d.unknown_policy, d.unknown_count, d.available_at, d.provider_message_id, d.error, d.created_at, d.sent_at,
    (
        select c.name from channels as c
        where d.channel <> 'email' and c.tenant_id = d.tenant_id and c.id::text = d.recipient
    ) as recipient_name
from deliveries as d
where
    d.tenant_id = %(tenant_id)s
    and (%(state)s::text is null or d.state = %(state)s)
    and (%(channel)s::text is null or d.channel = %(channel)s)
    and (%(recipient)s::text is null or lower(d.recipient) = lower(%(recipient)s))
    and (%(run_id)s::uuid is null or d.run_id = %(run_id)s)
    and d.slot_at >= greatest(%(first_at)s::timestamptz, '-infinity')
    and d.slot_at <= least(%(last_at)s::timestamptz, 'infinity')
    and (%(before_at)s::timestamptz is null or (d.slot_at, d.id) < (%(before_at)s, %(before_id)s::uuid))
order by d.slot_at desc, d.id desc
limit %(room)s
