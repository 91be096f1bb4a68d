-- The files that a run made, oldest first. Index: artifacts_one_per_name.
select
    a.id, a.run_id, a.slot_at, a.name, a.format, a.content_type, a.size_bytes, a.sha256, a.record_count, a.created_at
from artifacts as a
where a.tenant_id = %(tenant_id)s and a.run_id = %(run_id)s and a.slot_at = %(slot_at)s
order by a.created_at, a.name
