-- Whether the second wall stands: the role is there, may be taken, and every tenant's table of this database is behind
-- it. A role that another database made later, or an owner who may not take it, leaves the first wall alone.
select
    exists (select from pg_roles as r where r.rolname = 'tocsin_api' and pg_has_role(r.oid, 'member'))
    and count(*) > 0 and bool_and(c.relrowsecurity) as is_walled
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attname = 'tenant_id'
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
