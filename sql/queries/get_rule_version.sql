-- The version of its schedule that a run was planned from. Index: runs' key.
select r.schedule_version as value from runs as r
where r.tenant_id = %(tenant_id)s and r.id = %(id)s and r.slot_at = %(slot_at)s
