-- The limits of these tenants, locked in their order and never SKIP LOCKED: whoever passed one over would spend it too.
-- What is counted under them is read by the next statement, which sees what the last holder did. Index: limits' key.
select
    l.tenant_id, l.name, l.max_running, l.max_per_minute, l.spent_until, l.open_until, l.retries_left, l.retries_at,
    now() as now
from limits as l
where l.tenant_id = any(%(tenant_ids)s::uuid[])
order by l.tenant_id, l.name
for update
