-- Marks an open dead letter as not to be replayed. Locks: the one row. Index: dead_letters' key.
update dead_letters as d
set state = 'discarded', resolved_at = now(), resolved_by = %(resolved_by)s
where d.tenant_id = %(tenant_id)s and d.id = %(id)s and d.slot_at = %(slot_at)s and d.state = 'open'
