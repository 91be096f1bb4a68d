-- Who may ask, what they changed, and what they were answered.

create table api_tokens (
    id uuid primary key default gen_random_uuid(),
    -- Null: an operator's, who stands above the tenants.
    tenant_id uuid references tenants (id),
    name text not null check (name <> ''),
    scope text not null check (scope in ('read', 'write', 'admin', 'operator')),
    -- SHA-256 of the token, which itself is stored nowhere.
    hash bytea not null unique,
    created_by text,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    check ((tenant_id is null) = (scope = 'operator'))
);

create index api_tokens_of_tenant on api_tokens (tenant_id, created_at, id);

-- The answer to a request that carried an Idempotency-Key, kept for a day; written in the transaction of what it did.
create table idempotent_answers (
    who text not null,
    key text not null,
    tenant_id uuid references tenants (id),
    request_hash bytea not null,
    status integer not null,
    headers jsonb not null,
    body text not null,
    created_at timestamptz not null default now(),
    primary key (who, key)
);

create index idempotent_answers_by_age on idempotent_answers (created_at);

-- One row a change, chained by hashes: of each tenant one chain, and one of the operator (the nil uuid).
create table audit_log (
    chain uuid not null,
    number bigint not null,
    tenant_id uuid references tenants (id),
    at timestamptz not null,
    who text not null,
    action text not null,
    subject_type text not null,
    subject_id text not null,
    before jsonb,
    after jsonb,
    address text,
    request_id text,
    previous bytea not null,
    hash bytea not null,
    primary key (chain, number),
    check (chain = coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'))
);

-- Where each chain ends, so that rows cut off its end are missed.
create table audit_heads (
    chain uuid primary key,
    number bigint not null,
    hash bytea not null
);

create function audit_hash(entry audit_log) returns bytea immutable language sql as $$
    select sha256(entry.previous || convert_to(jsonb_build_array(
        entry.chain, entry.number, entry.tenant_id, extract(epoch from entry.at), entry.who, entry.action,
        entry.subject_type, entry.subject_id, entry.before, entry.after, entry.address, entry.request_id
    )::text, 'UTF8'))
$$;

-- Gives an entry its number, its instant and its hash. The chain's head stays locked until the writer commits, so the
-- entry is best written last.
create function chain_audit() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    head audit_heads;
begin
    new.chain := coalesce(new.tenant_id, '00000000-0000-0000-0000-000000000000');
    insert into audit_heads (chain, number, hash) values (new.chain, 0, '') on conflict (chain) do nothing;
    select * into head from audit_heads where chain = new.chain for update;
    new.number := head.number + 1;
    new.at := clock_timestamp();
    new.previous := head.hash;
    new.hash := audit_hash(new);
    update audit_heads set number = new.number, hash = new.hash where chain = new.chain;
    return new;
end $$;

create trigger audit_log_chain before insert on audit_log for each row execute function chain_audit();

-- An entry is never changed. Those of one tenant go with it when it is erased, which says so by this setting.
create function refuse_to_rewrite_audit() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.tenant_id::text = current_setting('tocsin.erasing', true) then
        return old;
    end if;
    raise exception '% is only added to', tg_table_name using errcode = 'TC006';
end $$;

create trigger audit_log_is_kept before update or delete on audit_log
for each row execute function refuse_to_rewrite_audit();

create trigger audit_log_is_not_emptied before truncate on audit_log
for each statement execute function refuse_to_rewrite_history();

alter table members add column name text;
alter table members add column updated_at timestamptz not null default now();

-- No release has these tables yet, so nobody waits for the index.
-- squawk-ignore require-concurrent-index-creation
create index members_of_tenant on members (tenant_id, created_at, id);
-- squawk-ignore require-concurrent-index-creation
create index schedules_of_tenant on schedules (tenant_id, created_at, id);

-- Partitions are made for whoever asks for a slot of the past, also through the API's role, which owns no table.
alter function make_partitions(timestamptz, timestamptz) security definer set search_path = public, pg_temp;
revoke execute on function make_partitions(timestamptz, timestamptz) from public;

-- Puts a table that was made after 0008 behind the wall, with these rights. Without the role the first wall stands alone.
create procedure build_wall(name text, rights text) language plpgsql as $$
begin
    if not exists (select from pg_roles where rolname = 'tocsin_api') then
        return;
    end if;
    execute format('alter table %I enable row level security', name);
    execute format(
        'create policy tenant_wall on %I to tocsin_api '
        'using (tenant_id = (select nullif(current_setting(''tocsin.tenant'', true), '''')::uuid)) '
        'with check (tenant_id = (select nullif(current_setting(''tocsin.tenant'', true), '''')::uuid))', name);
    execute format('grant %s on %I to tocsin_api', rights, name);
end $$;

call build_wall('api_tokens', 'select, insert, update');
call build_wall('idempotent_answers', 'select, insert, update');
call build_wall('audit_log', 'select, insert');

do $$
begin
    if exists (select from pg_roles where rolname = 'tocsin_api') then
        grant execute on function make_partitions(timestamptz, timestamptz) to tocsin_api;
        -- Of its own row a tenant changes how it is called and what it set; its slug and its status are the operator's.
        grant update (name, settings, updated_at) on tenants to tocsin_api;
    end if;
end $$;
