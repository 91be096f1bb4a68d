-- Crew endpoints' sealed headers, on from an id; the operator's view. Index: crew_endpoints' key.
select e.tenant_id, e.id, 0 as version, to_jsonb(e.sealed_headers)::text as content from crew_endpoints as e
where e.id > %(after_id)s::uuid and %(after_version)s::integer = 0 and e.sealed_headers is not null
order by e.id
limit %(room)s
