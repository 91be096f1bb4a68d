-- A tenant's file, and where it lies. Index: artifacts' key.
select a.id, a.name, a.format, a.content_type, a.size_bytes, a.sha256, a.key, a.record_count
from artifacts as a
where a.tenant_id = %(tenant_id)s and a.id = %(id)s and a.slot_at = %(slot_at)s
