-- Tenants, the people who own and watch, the installation and its processes.

create table installation (
    is_only boolean primary key default true check (is_only),
    id uuid not null default gen_random_uuid(),
    -- Which database this is: cluster identifier and database name. A copy restored elsewhere differs and starts held.
    fingerprint text not null,
    created_at timestamptz not null default now(),
    adopted_at timestamptz
);

create table tenants (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text not null,
    status text not null default 'active' check (status in ('active', 'suspended')),
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table members (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    subject text not null,
    email text not null,
    role text not null check (role in ('viewer', 'editor', 'admin')),
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, subject)
);

-- One row a process and boot. A run names the process that leased it; the lease is this row's leased_until.
create table processes (
    id uuid primary key,
    role text not null check (role in ('web', 'ticker', 'worker')),
    host text not null,
    pid integer not null,
    version text not null,
    queues text[] not null default '{}',
    threads integer not null default 0,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    leased_until timestamptz not null,
    -- Set by the reaper once the lease ran out; from then on this identity never writes again.
    lost_at timestamptz,
    stopped_at timestamptz
);

create index processes_live on processes (leased_until) where lost_at is null and stopped_at is null;
