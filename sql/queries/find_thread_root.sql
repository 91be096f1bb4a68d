-- The provider's id of the first message of a thread that a channel took since the thread was last resolved; no row:
-- none. Sorts what a thread has. Index: deliveries_of_channel, delivery_bodies' key.
with
told as (
    select d.id, d.slot_at, d.provider_message_id, position(%(resolved)s::bytea in b.content) > 0 as is_resolved
    from deliveries as d
    inner join delivery_bodies as b on d.run_id = b.run_id and d.body_number = b.number and d.slot_at = b.slot_at
    where
        d.tenant_id = %(tenant_id)s and d.recipient = %(recipient)s and d.channel <> 'email'
        and d.slot_at between %(low)s and %(slot_at)s and b.slot_at between %(low)s and %(slot_at)s
        and d.state = 'sent' and (d.slot_at, d.id) < (%(slot_at)s, %(id)s)
        and position(%(thread)s::bytea in b.content) > 0
)

select told.provider_message_id as value
from told
where
    told.provider_message_id is not null
    and told.slot_at > coalesce((select max(t.slot_at) from told as t where t.is_resolved), '-infinity')
order by told.slot_at, told.id
limit 1
