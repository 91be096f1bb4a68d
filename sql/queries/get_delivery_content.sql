-- The bytes of a tenant's delivery as they are kept, for every recipient the same. Index: deliveries' key,
-- delivery_bodies' key.
select b.content
from deliveries as d
inner join delivery_bodies as b on d.run_id = b.run_id and d.body_number = b.number and d.slot_at = b.slot_at
where
    d.tenant_id = %(tenant_id)s and d.id = %(id)s and d.slot_at = %(slot_at)s
    and b.tenant_id = %(tenant_id)s and b.slot_at = %(slot_at)s
