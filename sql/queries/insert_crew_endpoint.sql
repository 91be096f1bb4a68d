-- Makes a crew endpoint, with the limit of its calls; no row: the tenant has one of that name.
-- Index: crew_endpoints' keys.
insert into crew_endpoints (
    id, tenant_id, name, url, sealed_headers, timeout_seconds, concurrency, rate_per_minute, segments, protocol
)
values (
    %(id)s, %(tenant_id)s, %(name)s, %(url)s, %(sealed_headers)s, %(timeout_seconds)s, %(concurrency)s,
    %(rate_per_minute)s, %(segments)s, %(protocol)s
)
on conflict (tenant_id, name) do nothing
returning id
