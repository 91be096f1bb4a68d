-- A message of the same thread to the same channel that came before this one and is still on its way; no row: none is.
-- Index: deliveries_of_channel, delivery_bodies' key.
select d.id as value
from deliveries as d
inner join delivery_bodies as b on d.run_id = b.run_id and d.body_number = b.number and d.slot_at = b.slot_at
where
    d.tenant_id = %(tenant_id)s and d.recipient = %(recipient)s and d.channel <> 'email'
    and d.slot_at between %(low)s and %(slot_at)s and b.slot_at between %(low)s and %(slot_at)s
    and d.state in ('pending', 'sending') and (d.slot_at, d.id) < (%(slot_at)s, %(id)s)
    and position(%(thread)s::bytea in b.content) > 0
limit 1
