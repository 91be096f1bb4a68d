-- The second wall, built later: where the role tocsin_api could not be made when a database was migrated, or was not there
-- when a dump of it was restored, `tocsin migrate` builds what is missing once the role may be taken.

-- What the API's role may do with which table. Partitions are reached through their table alone.
create table walls (
    name text primary key,
    -- The column that says whose a row is; null: nobody's, and all of them are seen.
    tenant_column text,
    -- As a grant says it.
    rights text not null
);

insert into walls (name, tenant_column, rights) values
('processes', null, 'select'),
('tenants', 'id', 'select, update (name, settings, updated_at)'),
('api_tokens', 'tenant_id', 'select, insert, update'),
('audit_log', 'tenant_id', 'select, insert'),
('idempotent_answers', 'tenant_id', 'select, insert, update');

insert into walls (name, tenant_column, rights)
select c.relname, 'tenant_id', 'select, insert, update, delete' from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
on conflict (name) do nothing;

-- Makes the role where it is missing and may be made, and takes it; false where it may not be taken.
create function take_api_role() returns boolean language plpgsql as $$
begin
    if not exists (select from pg_roles where rolname = 'tocsin_api') then
        begin
            create role tocsin_api nologin;
        exception
            when insufficient_privilege then
                return false;
            when duplicate_object or unique_violation then
                null;  -- another database of this cluster made it
        end;
    end if;
    begin
        execute format('grant tocsin_api to %I', current_user);
    exception when insufficient_privilege then
        if not pg_has_role('tocsin_api', 'member') then
            return false;
        end if;
    end;
    grant usage on schema public to tocsin_api;
    grant execute on function make_partitions(timestamptz, timestamptz) to tocsin_api;
    return true;
end $$;

-- The tables that lack their part of the wall. Tenants' own come last: the wall counts once each of them is behind it.
create function missing_walls() returns table (name text) stable language sql as $$
    select w.name from walls as w
    inner join pg_class as c on c.relname = w.name and c.relnamespace = 'public'::regnamespace
    where not exists (
        select from pg_roles as r
        where r.rolname = 'tocsin_api' and has_table_privilege(r.oid, c.oid, 'select')
    )
    or w.tenant_column is not null and not (
        c.relrowsecurity and exists (select from pg_policy as p where p.polrelid = c.oid and p.polname = 'tenant_wall')
    )
    order by w.tenant_column is not distinct from 'tenant_id', w.name
$$;

-- Builds the wall of one table, as far as it is missing.
create procedure raise_wall(wanted text) language plpgsql as $$
declare
    wall walls;
    is_own text;
begin
    select * into strict wall from walls as w where w.name = wanted;
    if wall.tenant_column is not null then
        execute format('alter table %I enable row level security', wall.name);
        is_own := format('%I = (select nullif(current_setting(''tocsin.tenant'', true), '''')::uuid)', wall.tenant_column);
        execute format('drop policy if exists tenant_wall on %I', wall.name);
        execute format('create policy tenant_wall on %I to tocsin_api using (%s)', wall.name, is_own)
        -- Without a check a policy lets write what it lets see.
        || case when wall.tenant_column = 'tenant_id' then format(' with check (%s)', is_own) else '' end;
    end if;
    execute format('grant %s on %I to tocsin_api', wall.rights, wall.name);
end $$;

-- Puts a new table behind the wall, with these rights. Without the role the first wall stands alone.
create or replace procedure build_wall(name text, rights text) language plpgsql as $$
begin
    insert into walls (name, tenant_column, rights) values (build_wall.name, 'tenant_id', build_wall.rights);
    if exists (select from pg_roles where rolname = 'tocsin_api') then
        call raise_wall(build_wall.name);
    end if;
end $$;
