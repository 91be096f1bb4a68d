-- Webhooks' sealed addresses, on from an id; the operator's view. Index: webhooks' key.
select w.tenant_id, w.id, 0 as version, to_jsonb(w.sealed_url)::text as content from webhooks as w
where w.id > %(after_id)s::uuid and %(after_version)s::integer = 0
order by w.id
limit %(room)s
