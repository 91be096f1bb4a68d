-- A tenant's crew endpoints, newest first, on from a place, or the one of an id, with their circuits. Sorted.
-- Index: crew_endpoints' key (tenant_id, id), limits' key.
select
    e.id, e.name, e.url, e.sealed_headers is not null as has_headers, e.timeout_seconds, e.concurrency,
    e.rate_per_minute, e.segments, e.protocol, l.open_since as circuit_open_since, e.created_at, e.updated_at
from crew_endpoints as e
left join limits as l on e.tenant_id = l.tenant_id and l.name = 'endpoint:' || e.id
where
    e.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or e.id = %(id)s)
    and (%(before_at)s::timestamptz is null or (e.created_at, e.id) < (%(before_at)s, %(before_id)s::uuid))
order by e.created_at desc, e.id desc
limit %(room)s
