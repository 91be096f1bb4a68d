-- Whether a tenant has an endpoint that a crew may ask, by its name or id; null: any. Index: crew_endpoints' keys.
select e.id from crew_endpoints as e
where
    e.tenant_id = %(tenant_id)s
    and (%(endpoints)s::text[] is null or e.name = any(%(endpoints)s) or e.id::text = any(%(endpoints)s))
limit 1
