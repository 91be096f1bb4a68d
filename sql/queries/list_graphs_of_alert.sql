-- The graphs that a scheduled alert sends, in order, and whether their sources are known to give no answer: the one of
-- an id, or those of a dashboard. Index: graphs' key (tenant_id, id), dashboard_graphs' key, sources' key.
select
    g.id, g.name, g.source_id, g.query, g.unit, g.format, g.decimals, g.value_column, g.time_dimension, g.grain,
    g.segment_by, g.version, num_nonnulls(s.failing_since, g.failing_since) > 0 as is_failing
from graphs as g
inner join sources as s on g.tenant_id = s.tenant_id and g.source_id = s.id
left join dashboard_graphs as d
    on g.tenant_id = d.tenant_id and g.id = d.graph_id and d.dashboard_id = %(dashboard_id)s
where
    g.tenant_id = %(tenant_id)s
    and (%(dashboard_id)s::uuid is null or d.graph_id is not null)
    and (%(graph_id)s::uuid is null or g.id = %(graph_id)s)
    and num_nonnulls(%(dashboard_id)s::uuid, %(graph_id)s::uuid) = 1
order by d.position
