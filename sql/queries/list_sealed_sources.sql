-- Sources with a sealed password, on from an id; the operator's view. Index: sources' key.
select s.tenant_id, s.id, 0 as version, to_jsonb(s.sealed_password)::text as content from sources as s
where s.sealed_password is not null and s.id > %(after_id)s::uuid and %(after_version)s::integer = 0
order by s.id
limit %(room)s
