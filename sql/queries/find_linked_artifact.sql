-- The file that a link leads to, with its tenant; nothing of a tenant that is suspended. Whose it is says the
-- signature. Index: artifacts' key.
select
    a.id, a.name, a.format, a.content_type, a.size_bytes, a.sha256, a.key, a.record_count, a.tenant_id,
    now() as asked_at
from artifacts as a inner join tenants as t on a.tenant_id = t.id
where a.id = %(id)s and a.slot_at = %(slot_at)s and t.status = 'active'
