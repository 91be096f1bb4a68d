-- Whether the second wall stands: the role is there, may be taken, and every tenant's table of this database is behind
-- it. A role that came after the tables, or an owner who may not take it, leaves the first wall alone.
select
    quote_ident(current_user) as owner, count(r.oid) > 0 as has_role,
    coalesce(bool_or(pg_has_role(r.oid, 'member')), false) as may_take_role,
    coalesce(bool_and(
        pg_has_role(r.oid, 'member') and c.relrowsecurity and has_table_privilege(r.oid, c.oid, 'select')
        and exists (select from pg_policy as p where p.polrelid = c.oid and p.polname = 'tenant_wall')
    ), false) and count(r.oid) > 0 as is_walled
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attname = 'tenant_id'
left join pg_roles as r on r.rolname = 'tocsin_api'
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
