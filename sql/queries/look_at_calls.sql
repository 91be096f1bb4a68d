-- What calls of crews need to know as they begin: whom about, whom they ask, whether anybody still wants it, since when
-- the crew asks, whether the endpoint has answered somebody since then, and how many calls the crew has, five at most.
-- A crew that is over has no others.
-- Takes no lock. Index: runs', schedule_versions', users', crew_endpoints' and limits' keys, runs_one_per_item.
select
    r.id, r.item_key as uid, u.context, u.goal, coalesce(u.active, false) as is_active, e.id as endpoint_id, e.url,
    e.sealed_headers, e.timeout_seconds, e.protocol, p.schedule_id, coalesce(p.state, 'cancelled') as parent_state,
    v.params -> 'rule' as rule, v.name as schedule_name, u.id as user_id,
    greatest(p.slot_at, p.created_at) as crew_began_at,
    coalesce(p.finished_at is null and l.answered_at >= greatest(p.slot_at, p.created_at), false) as is_among_answers,
    (
        select count(*) from (
            select from runs as c
            where c.parent_run_id = r.parent_run_id and c.slot_at = r.slot_at
            limit 5
        ) as few
    ) as calls
from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[]) as g (id, slot_at)
inner join runs as r on g.id = r.id and g.slot_at = r.slot_at
left join runs as p on r.parent_run_id = p.id and r.slot_at = p.slot_at
left join schedule_versions as v on p.schedule_id = v.schedule_id and p.schedule_version = v.version
left join users as u on r.tenant_id = u.tenant_id and r.item_key = u.uid
left join crew_endpoints as e on r.tenant_id = e.tenant_id and (r.params ->> 'endpointId')::uuid = e.id
left join limits as l on e.tenant_id = l.tenant_id and 'endpoint:' || e.id = l.name
