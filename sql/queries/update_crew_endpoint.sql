-- Changes a crew endpoint, which the caller holds, and the limit of its calls; without headers the stored ones stay
-- unless they are taken away. Index: crew_endpoints' key (tenant_id, id).
update crew_endpoints as e
set
    name = %(name)s, url = %(url)s, timeout_seconds = %(timeout_seconds)s, concurrency = %(concurrency)s,
    rate_per_minute = %(rate_per_minute)s, segments = %(segments)s, protocol = %(protocol)s,
    sealed_headers = case when %(keeps_headers)s::boolean then e.sealed_headers else %(sealed_headers)s end,
    -- What goes with headers goes only where they were given for.
    is_from_setting = e.is_from_setting and e.url = %(url)s and %(keeps_headers)s, updated_at = now()
where e.tenant_id = %(tenant_id)s and e.id = %(id)s
