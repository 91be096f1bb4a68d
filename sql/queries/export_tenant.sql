-- Every row that a tenant has, as of one instant. Index: those by tenant, where there are any.
select e.name, e.content from export_tenant(%(tenant_id)s) as e
