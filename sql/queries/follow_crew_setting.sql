-- Leads the endpoints that CREW_API_URL made to where it says now, those of all tenants; once as a web process begins.
-- Reads the whole of a table that has some hundred rows a tenant at most.
update crew_endpoints as e
set url = %(url)s, updated_at = now()
where e.is_from_setting and e.url <> %(url)s
