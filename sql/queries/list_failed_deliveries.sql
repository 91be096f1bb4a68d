-- The deliveries of a run that failed for good or came back, the first fifty; a channel by its type and its name now.
-- Index: deliveries_one_per_recipient, channels' key (tenant_id, id).
select
    case
        when d.channel = 'email' then d.recipient
        else d.channel || ' ' || coalesce(c.name, 'channel ' || d.recipient)
    end as recipient,
    d.state, d.error
from deliveries as d
left join channels as c on d.channel <> 'email' and d.tenant_id = c.tenant_id and d.recipient = c.id::text
where
    d.tenant_id = %(tenant_id)s and d.run_id = %(run_id)s and d.slot_at = %(slot_at)s
    and d.state || '' in ('failed', 'bounced')
order by d.channel <> 'email', d.recipient
limit 50
