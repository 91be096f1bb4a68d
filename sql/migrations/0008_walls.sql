-- The second wall between tenants: row-level security through the role tocsin_api. The owner is not under it.

do $$
declare
    name text;
    can_make_roles boolean := (select rolcreaterole or rolsuper from pg_roles where rolname = current_user);
begin
    if can_make_roles and not exists (select from pg_roles where rolname = 'tocsin_api') then
        begin
            create role tocsin_api nologin;
        exception when duplicate_object or unique_violation then null;  -- another database of this cluster made it
        end;
    end if;
    if not exists (select from pg_roles where rolname = 'tocsin_api') then
        raise notice 'the role tocsin_api cannot be created here: the first wall stands alone';
        return;
    end if;
    execute format('grant tocsin_api to %I', current_user);
    grant usage on schema public to tocsin_api;
    grant select on processes to tocsin_api;
    alter table tenants enable row level security;
    create policy tenant_wall on tenants to tocsin_api
        using (id = (select nullif(current_setting('tocsin.tenant', true), '')::uuid));
    grant select on tenants to tocsin_api;
    for name in
        select c.relname from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy tenant_wall on %I to tocsin_api '
            'using (tenant_id = (select nullif(current_setting(''tocsin.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''tocsin.tenant'', true), '''')::uuid))', name);
        execute format('grant select, insert, update, delete on %I to tocsin_api', name);
    end loop;
end $$;
