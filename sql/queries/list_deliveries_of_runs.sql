-- The messages of some runs, by their slots. Sorts these. Index: deliveries_one_per_recipient.
-- A slot is asked for as a span: as an equality it is read by deliveries_of_tenant, with all of the tenant's at that
-- slot (of 1,000 runs in herds of 1,700: 250 ms against 3).
select
    d.id, d.run_id, d.slot_at, d.channel, d.recipient, d.recipient_type, d.state, d.error, d.created_at, d.sent_at,
    (
        select c.name from channels as c
        where d.channel <> 'email' and c.tenant_id = d.tenant_id and c.id::text = d.recipient
    ) as recipient_name
from unnest(%(run_ids)s::uuid[], %(slots)s::timestamptz[]) as r (id, slot_at)
inner join deliveries as d on r.id = d.run_id and d.slot_at between r.slot_at and r.slot_at
where d.tenant_id = %(tenant_id)s
order by d.slot_at desc, d.created_at asc, d.id asc
limit %(room)s
