-- A tenant's graphs as a run asks them, by name, or those of the ids, and whether their sources are known to give no
-- answer.
-- Index: graphs' and sources' keys (tenant_id, id).
select
    g.id, g.name, g.source_id, g.query, g.unit, g.format, g.decimals, g.value_column, g.time_dimension, g.grain,
    g.segment_by, g.version, num_nonnulls(s.failing_since, g.failing_since) > 0 as is_failing
from graphs as g
inner join sources as s on g.tenant_id = s.tenant_id and g.source_id = s.id
where g.tenant_id = %(tenant_id)s and (%(ids)s::uuid[] is null or g.id = any(%(ids)s))
order by g.name, g.id
limit 200
