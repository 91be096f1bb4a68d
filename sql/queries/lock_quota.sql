-- How many of something a tenant may have; no row without a limit. With one the tenant is locked until the end of the
-- transaction, so that two at once can't both be the last. Index: tenants' key.
with limited as (
    select t.id, (t.settings -> 'quotas' ->> %(what)s::text)::integer as quota from tenants as t
    where t.id = %(tenant_id)s and t.settings -> 'quotas' ->> %(what)s::text is not null
    for no key update
)

select l.quota from limited as l
