-- How a tenant's mail looks; empty where it says nothing. A colour without a name is the band of the tenant's own name.
-- Index: tenants' key.
select
    coalesce(
        t.settings #>> '{branding,name}', case when t.settings #> '{branding,color}' is null then '' else t.name end
    ) as name,
    coalesce(t.settings #>> '{branding,color}', '') as color,
    coalesce(t.settings #>> '{branding,footer}', '') as footer
from tenants as t
where t.id = %(tenant_id)s
