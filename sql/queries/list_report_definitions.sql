-- A tenant's report definitions, newest first, on from a place, or the one of an id. Sorted.
-- Index: report_definitions' key (tenant_id, id).
select
    d.id, d.name, d.description, d.graph_id, d.dashboard_id, d.source_id, d.query, d.definition, d.version,
    d.created_by, d.created_at, d.updated_at
from report_definitions as d
where
    d.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or d.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (d.created_at, d.id) < (%(before_at)s, %(before_id)s::uuid))
order by d.created_at desc, d.id desc
limit %(room)s
