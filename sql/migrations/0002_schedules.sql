-- Schedules, their versions and their gates.

create table schedules (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    kind text not null,
    name text not null check (name <> ''),
    params jsonb not null default '{}',
    cron text,
    interval_seconds bigint check (interval_seconds > 0),
    interval_anchor timestamptz,
    scheduled_at timestamptz,
    timezone text not null default 'UTC',
    dst_gap text not null default 'end' check (dst_gap in ('end', 'skip', 'shift')),
    dst_fold text not null default 'first' check (dst_fold in ('first', 'second', 'both')),
    starts_at timestamptz,
    ends_at timestamptz,
    -- The instant, with its jitter, of the next slot that has no run yet; null when no slot will come or the schedule
    -- is not active.
    next_fire_at timestamptz,
    -- The last slot that was decided. It falls only when runs made ahead of their instant are taken back.
    last_slot_at timestamptz,
    -- Slots at or before this instant are not planned: set when the schedule is made, edited or resumed.
    plan_from timestamptz not null default now(),
    last_run_at timestamptz,
    status text not null default 'active' check (status in ('active', 'paused', 'completed', 'failed', 'cancelled')),
    misfire_policy text not null default 'once' check (misfire_policy in ('once', 'all', 'skip')),
    misfire_grace_seconds integer not null default 60 check (misfire_grace_seconds between 0 and 31536000),
    misfire_limit integer not null default 1000 check (misfire_limit between 1 and 100000),
    overlap_policy text not null default 'skip' check (overlap_policy in ('skip', 'queue', 'allow', 'cancel_running')),
    jitter_seconds integer not null default 0 check (jitter_seconds between 0 and 86400),
    max_runs bigint check (max_runs > 0),
    run_count bigint not null default 0,
    max_attempts integer not null default 5 check (max_attempts between 1 and 100),
    backoff jsonb not null default '{"baseSeconds": 10, "maxSeconds": 3600}',
    timeout_seconds integer not null default 300 check (timeout_seconds between 1 and 86400),
    unknown_delivery_policy text not null default 'resend' check (unknown_delivery_policy in ('resend', 'hold')),
    priority smallint not null default 5 check (priority between 0 and 9),
    queue text not null default 'default' check (queue in ('alerts', 'reports', 'ai', 'calls', 'default')),
    pause_note text,
    metadata jsonb not null default '{}',
    tags text[] not null default '{}',
    version integer not null default 1,
    -- Why planning last failed; null once it succeeds.
    last_error text,
    last_error_at timestamptz,
    created_by text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name),
    constraint schedules_recur_one_way check (num_nonnulls(cron, interval_seconds, scheduled_at) = 1),
    constraint schedules_interval_has_anchor check ((interval_seconds is null) = (interval_anchor is null)),
    constraint schedules_end_after_start check (ends_at > starts_at),
    -- A run's id carries its slot in milliseconds.
    constraint schedules_at_whole_milliseconds check (scheduled_at = date_trunc('milliseconds', scheduled_at)),
    constraint schedules_from_whole_milliseconds check (interval_anchor = date_trunc('milliseconds', interval_anchor))
) with (fillfactor = 80);

create index schedules_due on schedules (next_fire_at, id) where status = 'active' and next_fire_at is not null;
create index schedules_ending on schedules (id) where status = 'active' and next_fire_at is null;

-- What each version of a schedule said: a run names the version it was planned from and runs with its params.
create table schedule_versions (
    schedule_id uuid not null,
    version integer not null,
    tenant_id uuid not null,
    params jsonb not null,
    -- What every start of a run needs; the rest of the definition is for whoever looks back.
    name text not null,
    timezone text not null,
    timeout_seconds integer not null,
    unknown_delivery_policy text not null,
    definition jsonb not null,
    created_at timestamptz not null default now(),
    primary key (schedule_id, version),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id)
);

-- One row for each schedule whose runs may not overlap; run_id is the open run that holds the gate.
create table schedule_gates (
    schedule_id uuid primary key,
    tenant_id uuid not null,
    run_id uuid,
    run_slot_at timestamptz,
    -- Runs that were open when overlap was no longer allowed: the gate stays shut until the last of them is over.
    earlier_ids uuid[],
    earlier_slots timestamptz[],
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id)
) with (fillfactor = 50);

create index schedule_gates_held on schedule_gates (run_id) where run_id is not null;

create function refuse_slot_that_does_not_advance() returns trigger language plpgsql as $$
begin
    if old.last_slot_at + make_interval(secs => old.jitter_seconds) <= now()
       and (new.last_slot_at is null or new.last_slot_at < old.last_slot_at) then
        raise exception 'schedule %: slot % does not advance beyond %', old.id, new.last_slot_at, old.last_slot_at
            using errcode = 'TC004';
    end if;
    if new.run_count > old.run_count and new.last_slot_at is not distinct from old.last_slot_at then
        raise exception 'schedule %: a run was counted but no slot passed', old.id using errcode = 'TC004';
    end if;
    return new;
end $$;

create trigger schedules_monotone_slot before update of last_slot_at, run_count on schedules
for each row execute function refuse_slot_that_does_not_advance();

-- Whoever edits what a run depends on raises the version.
create function raise_schedule_version() returns trigger language plpgsql as $$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end $$;

create trigger schedules_raise_version
before update of kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, timezone, dst_gap, dst_fold,
starts_at, ends_at, misfire_policy, misfire_grace_seconds, misfire_limit, overlap_policy, jitter_seconds, max_runs,
max_attempts, backoff, timeout_seconds, unknown_delivery_policy, queue, plan_from on schedules
for each row execute function raise_schedule_version();

create function keep_schedule_version() returns trigger language plpgsql as $$
begin
    insert into schedule_versions (
        schedule_id, version, tenant_id, params, name, timezone, timeout_seconds, unknown_delivery_policy, definition
    )
    values (
        new.id, new.version, new.tenant_id, new.params, new.name, new.timezone, new.timeout_seconds,
        new.unknown_delivery_policy, to_jsonb(new) - 'params'
    )
    on conflict (schedule_id, version) do update
    set params = excluded.params, name = excluded.name, timezone = excluded.timezone,
        timeout_seconds = excluded.timeout_seconds, unknown_delivery_policy = excluded.unknown_delivery_policy,
        definition = excluded.definition;
    if new.overlap_policy <> 'allow' then
        insert into schedule_gates (schedule_id, tenant_id) values (new.id, new.tenant_id)
        on conflict (schedule_id) do nothing;
    end if;
    return null;
end $$;

create trigger schedules_keep_version
after insert or update of kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, timezone, dst_gap,
dst_fold, starts_at, ends_at, misfire_policy, misfire_grace_seconds, misfire_limit, overlap_policy, jitter_seconds,
max_runs, max_attempts, backoff, timeout_seconds, unknown_delivery_policy, queue, plan_from on schedules
for each row execute function keep_schedule_version();
