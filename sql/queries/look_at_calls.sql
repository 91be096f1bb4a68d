-- What calls of crews need to know as they begin: whom about, whom they ask, and whether anybody still wants it.
-- Takes no lock. Index: runs', schedule_versions', users' and crew_endpoints' keys.
select
    r.id, r.item_key as uid, u.context, u.goal, coalesce(u.active, false) as is_active, e.id as endpoint_id, e.url,
    e.sealed_headers, e.timeout_seconds, e.protocol, p.schedule_id, coalesce(p.state, 'cancelled') as parent_state,
    v.params -> 'rule' as rule, v.name as schedule_name, u.id as user_id
from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[]) as g (id, slot_at)
inner join runs as r on g.id = r.id and g.slot_at = r.slot_at
left join runs as p on r.parent_run_id = p.id and r.slot_at = p.slot_at
left join schedule_versions as v on p.schedule_id = v.schedule_id and p.schedule_version = v.version
left join users as u on r.tenant_id = u.tenant_id and r.item_key = u.uid
left join crew_endpoints as e on r.tenant_id = e.tenant_id and (r.params ->> 'endpointId')::uuid = e.id
