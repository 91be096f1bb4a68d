-- The file of that name that a run has made already. Index: artifacts_one_per_name.
select a.id, a.name, a.format, a.content_type, a.size_bytes, a.sha256, a.key, a.record_count
from artifacts as a
where a.run_id = %(run_id)s and a.slot_at = %(slot_at)s and a.name = %(name)s
