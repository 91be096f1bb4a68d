-- How many of something a tenant has; of schedules those that are not over. Index: keys that begin with the tenant.
select
    case %(what)s::text
        when 'schedules'
            then (
                select count(*) from schedules as s
                where s.tenant_id = %(tenant_id)s and s.status in ('active', 'paused')
            )
        when 'sources' then (select count(*) from sources as s where s.tenant_id = %(tenant_id)s)
        when 'members' then (select count(*) from members as m where m.tenant_id = %(tenant_id)s)
    end as used
