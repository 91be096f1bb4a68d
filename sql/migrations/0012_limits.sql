-- Limits: how many runs of a tenant, or that use one of its sources or hosts, may be released and not over at once, and
-- how many may be released a minute. Whoever releases such runs holds the rows of their limits, so nothing is spent twice.

create table limits (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    -- tenant, source:<id> or host:<host>.
    name text not null check (name ~ '^(tenant|source:[0-9a-f-]{36}|host:[^[:space:]]{1,255})$'),
    max_running integer check (max_running between 0 and 1000000),
    max_per_minute integer check (max_per_minute between 1 and 1000000),
    -- Up to when the releases so far have used the rate.
    spent_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name),
    constraint limits_say_something check (num_nonnulls(max_running, max_per_minute) > 0)
) with (fillfactor = 50);

call build_wall('limits', 'select, insert, update, delete');

-- What a schedule's runs use, by the names that limits have: its kind reads them out of its params.
alter table schedules add column uses text[] not null default '{}';

-- The limits that a run is released under, which were there when it was planned; null: none, and it passes no door.
alter table runs add column limited_by text[];

-- Blocked runs are walked by no poll: those under limits have an index of their own, each group by itself. None names a
-- column that a start writes.
-- No release has these tables yet, so nobody waits for the indexes.
-- squawk-ignore require-concurrent-index-deletion
drop index runs_pending;
-- squawk-ignore require-concurrent-index-creation
create index runs_pending on runs (available_at, id)
where released_at is null and finished_at is null and limited_by is null;
-- squawk-ignore require-concurrent-index-creation
create index runs_held_back on runs (tenant_id, queue, limited_by, available_at, id)
where released_at is null and finished_at is null and limited_by is not null;
-- squawk-ignore require-concurrent-index-creation
create index runs_under_limits on runs (tenant_id, limited_by)
where released_at is not null and finished_at is null and limited_by is not null;

-- The limits that a run of a tenant which uses these is released under, sorted; null where there are none.
create function limits_of(tenant uuid, uses text[]) returns text[] stable language plpgsql as $$
begin
    return (
        select array_agg(l.name order by l.name) from limits as l
        where l.tenant_id = tenant and (l.name = 'tenant' or l.name = any(uses))
    );
end $$;
