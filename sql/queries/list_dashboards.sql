-- A tenant's dashboards with their graphs in order, newest first, on from a place, or the one of an id. Sorted.
-- Index: dashboards' key (tenant_id, id), dashboard_graphs' key.
select
    d.id, d.name, d.description,
    array(
        select s.graph_id from dashboard_graphs as s
        where s.tenant_id = d.tenant_id and s.dashboard_id = d.id
        order by s.position
    ) as graph_ids,
    d.version, d.created_at, d.updated_at
from dashboards as d
where
    d.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or d.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (d.created_at, d.id) < (%(before_at)s, %(before_id)s::uuid))
order by d.created_at desc, d.id desc
limit %(room)s
