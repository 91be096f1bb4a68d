-- Gives a dashboard, which the caller holds, these graphs in this order and no others. Index: dashboard_graphs' keys.
with
given as (
    select g.graph_id, g.position::smallint as position
    from unnest(%(graph_ids)s::uuid[]) with ordinality as g (graph_id, position)
),

gone as (
    delete from dashboard_graphs as s
    where
        s.tenant_id = %(tenant_id)s and s.dashboard_id = %(id)s
        and s.position > (select count(*) from given)
    returning 1
)

insert into dashboard_graphs (tenant_id, dashboard_id, position, graph_id)
select %(tenant_id)s, %(id)s, given.position, given.graph_id from given
on conflict (dashboard_id, position) do update set graph_id = excluded.graph_id
