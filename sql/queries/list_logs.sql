-- The newest lines of a run's log, oldest first. Index: run_logs' key.
select l.message, l.fields, l.created_at from (
    select n.id, n.message, n.fields, n.created_at
    from run_logs as n
    where n.tenant_id = %(tenant_id)s and n.run_id = %(run_id)s and n.slot_at = %(slot_at)s
    order by n.created_at desc, n.id desc
    limit 1000
) as l
order by l.created_at, l.id
