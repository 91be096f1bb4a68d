-- Artifacts: files that runs made. They lie in the store that ARTIFACT_URL names; here stands what they are and where.

create table artifacts (
    id uuid not null,
    run_id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    fence bigint not null,
    name text not null check (name ~ '^[^[:cntrl:]/\\]{1,200}$'),
    -- pdf, csv ...: what the run calls it.
    format text not null check (format ~ '^[a-z0-9.+-]{1,40}$'),
    content_type text not null check (content_type ~ '^[a-z0-9.+-]{1,100}/[a-z0-9.+-]{1,100}(; charset=utf-8)?$'),
    size_bytes bigint not null check (size_bytes >= 0),
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    -- Where it lies in the store: installation, tenant, run, fence, hash. A file of another fence than its row's is none's.
    key text not null,
    record_count bigint check (record_count >= 0),
    created_at timestamptz not null default now(),
    primary key (id, slot_at),
    constraint artifacts_key check (
        key ~ ('^[0-9a-f-]{36}/' || tenant_id || '/' || run_id || '/' || fence || '/' || sha256 || '$')
    )
) partition by range (slot_at);

create unique index artifacts_one_per_name on artifacts (run_id, name, slot_at);

create or replace function partitioned_tables() returns text[] immutable language sql as $$
    select array['runs', 'run_attempts', 'run_steps', 'run_logs', 'dead_letters', 'delivery_bodies', 'deliveries',
        'run_history', 'delivery_history', 'artifacts']
$$;

-- The weeks that are there get their part, and so can still be dropped.
do $$
declare
    week timestamptz;
begin
    for week in
        select to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC'
        from pg_inherits as i inner join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'runs'::regclass
    loop
        perform make_partitions(week, week);
    end loop;
end $$;

call build_wall('artifacts', 'select');
