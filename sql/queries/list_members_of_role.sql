-- The addresses of a tenant's members of a role who are not disabled. Index: members_of_tenant.
select m.email from members as m
where m.tenant_id = %(tenant_id)s and m.role = %(role)s and m.disabled_at is null
group by m.email
order by m.email
limit 1000
