-- A tenant's graphs, newest first, on from a place, or the one of an id. Sorted. Index: graphs' key (tenant_id, id).
select
    g.id, g.name, g.description, g.source_id, g.query, g.unit, g.format, g.decimals, g.value_column, g.time_dimension,
    g.grain, g.segment_by, g.version, g.created_at, g.updated_at
from graphs as g
where
    g.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or g.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (g.created_at, g.id) < (%(before_at)s, %(before_id)s::uuid))
order by g.created_at desc, g.id desc
limit %(room)s
