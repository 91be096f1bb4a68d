-- Writes how far the rates of these limits are spent, and what is left of their retry budgets. The caller holds them.
-- Index: limits' key.
update limits as l
set
    spent_until = coalesce(s.spent_until, l.spent_until), retries_left = coalesce(s.retries_left, l.retries_left),
    retries_at = case when s.retries_left is null then l.retries_at else now() end
from
    unnest(%(tenant_ids)s::uuid[], %(names)s::text[], %(spent_until)s::timestamptz[], %(retries_left)s::float8[])
        as s (tenant_id, name, spent_until, retries_left)
where l.tenant_id = s.tenant_id and l.name = s.name
