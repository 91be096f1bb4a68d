-- Drops what owners were told before history begins, and what is of no schedule any more: what still goes wrong then is
-- told anew. Locks: these rows, in the order of their key; one that a finish holds is the next time's.
-- Reads the table once: it holds what is not over, and a recipient who is mailed no more.
with over as (
    select t.tenant_id, t.what, t.which, t.schedule_id from troubles as t
    left join schedules as s on t.tenant_id = s.tenant_id and t.schedule_id = s.id
    where greatest(t.since, t.slot_at) < now() - make_interval(days => %(retention_days)s) or s.id is null
    order by t.tenant_id, t.what, t.which, t.schedule_id
    for update of t skip locked
)

delete from troubles as t using over as o
where t.tenant_id = o.tenant_id and t.what = o.what and t.which = o.which and t.schedule_id = o.schedule_id
