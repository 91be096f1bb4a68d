-- Secrets move to another key without a new version of their schedule; a tenant is exported and erased whole.

-- Finds the few sealed params; on schedules itself each tick would pay for such an index.
-- No release has this table yet, so nobody waits for the index.
-- squawk-ignore require-concurrent-index-creation
create index schedule_versions_sealed on schedule_versions (schedule_id, version)
where params::text like '%"sealed:%';

create or replace function raise_schedule_version() returns trigger language plpgsql as $$
begin
    -- The same secrets under another key are no other definition.
    if current_setting('tocsin.rewrapping', true) = 'on' and to_jsonb(new) - 'params' = to_jsonb(old) - 'params' then
        return new;
    end if;
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end $$;

-- The tables that hold a tenant's rows, what refers before what it refers to; runs are first, for each line, step and
-- delivery of a run is written under the run's lock.
create function tables_of_tenants() returns table (name text) stable language sql as $$
    with recursive
    held as (
        select c.oid from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    ),
    reached as (
        select held.oid, 0 as depth from held
        union
        select k.conrelid, reached.depth + 1 from reached
        inner join pg_constraint as k on k.confrelid = reached.oid and k.contype = 'f' and k.conrelid <> k.confrelid
        inner join held on held.oid = k.conrelid
    )
    select reached.oid::regclass::text from reached
    group by reached.oid
    order by reached.oid <> 'runs'::regclass, max(reached.depth) desc, reached.oid::regclass::text
$$;

-- Deletes a tenant with all that it has, its chain of the audit log too; the rows of each table that went. Waits for who
-- changes a schedule of it; from then on nothing of it is made any more.
create function erase_tenant(erased uuid) returns table (name text, gone bigint) language plpgsql as $$
begin
    perform set_config('tocsin.erasing', erased::text, true);
    perform from schedules as s where s.tenant_id = erased order by s.id for update;
    perform from tenants as t where t.id = erased for update;
    perform from schedules as s where s.tenant_id = erased order by s.id for update;
    for name in select t.name from tables_of_tenants() as t loop
        execute format('delete from %I where tenant_id = $1', name) using erased;
        get diagnostics gone = row_count;
        return next;
    end loop;
    delete from audit_heads as h where h.chain = erased;
    delete from tenants as t where t.id = erased;
    perform set_config('tocsin.erasing', '', true);
end $$;

-- Every row that a tenant has, as of one instant, table by table; what is secret in them is the reader's to take out.
create function export_tenant(wanted uuid) returns table (name text, content jsonb) stable language plpgsql as $$
declare
    place text;
begin
    return query select 'tenants', to_jsonb(t) from tenants as t where t.id = wanted;
    for place in select t.name from tables_of_tenants() as t loop
        return query execute format('select %L, to_jsonb(t) from %I as t where t.tenant_id = $1', place, place)
        using wanted;
    end loop;
end $$;

revoke execute on function erase_tenant(uuid) from public;
revoke execute on function export_tenant(uuid) from public;
