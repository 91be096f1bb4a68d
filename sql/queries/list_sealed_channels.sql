-- Channels' sealed credentials, on from an id; the operator's view. Index: channels' key.
select c.tenant_id, c.id, 0 as version, to_jsonb(c.sealed_credential)::text as content from channels as c
where c.id > %(after_id)s::uuid and %(after_version)s::integer = 0
order by c.id
limit %(room)s
