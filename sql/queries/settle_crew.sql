-- Forgets that the owner of a run's schedule was told how little its crew brings: it does again. Index: troubles' key.
delete from troubles as t using runs as r
where
    r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    and t.tenant_id = r.tenant_id and t.what = 'crew' and t.which = '' and t.schedule_id = r.schedule_id
