-- Writes how far the rates of these limits are spent. The caller holds them. Index: limits' key.
update limits as l
set spent_until = s.spent_until
from
    unnest(%(tenant_ids)s::uuid[], %(names)s::text[], %(spent_until)s::timestamptz[])
        as s (tenant_id, name, spent_until)
where l.tenant_id = s.tenant_id and l.name = s.name
