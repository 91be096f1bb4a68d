-- Runs and their children: partitioned by slot_at, one partition a week, made and dropped together.

create table runs (
    -- UUIDv7 whose 48-bit time is slot_at in milliseconds, so that an id alone finds its partition.
    id uuid not null,
    slot_at timestamptz not null check (slot_at = date_trunc('milliseconds', slot_at)),
    tenant_id uuid not null,
    -- Null for system runs. No foreign key: the insert takes the tenant from the schedule's own row.
    schedule_id uuid,
    schedule_version integer,
    parent_run_id uuid,
    item_key text,
    kind text not null,
    queue text not null,
    origin text not null
    check (origin in ('schedule', 'manual', 'backfill', 'child', 'replay', 'test', 'system')),
    triggered_by text,
    state text not null
    check (state in ('pending', 'queued', 'running', 'succeeded', 'dead', 'cancelled', 'skipped')),
    reason text,
    fence bigint not null default 0,
    -- The fence under which the worker made its last move; compared by the guard.
    written_fence bigint,
    attempt integer not null default 0,
    max_attempts integer not null default 1,
    -- pending: when it may be released (infinity: waits at its schedule's gate).
    available_at timestamptz not null,
    -- The instant from which it may be leased, in the future for a run made ahead; null while it is pending.
    released_at timestamptz,
    -- Who has it, and who had it when it succeeded.
    leased_by uuid,
    deadline_at timestamptz,
    cancel_requested_at timestamptz,
    skipped_until timestamptz,
    skipped_count bigint,
    started_at timestamptz,
    finished_at timestamptz,
    -- Only for runs that do not take their params from their schedule's version.
    params jsonb,
    outcome jsonb,
    error text,
    progress jsonb,
    created_at timestamptz not null default now(),
    primary key (id, slot_at),
    constraint runs_released_unless_pending check (
        case when state = 'pending' then released_at is null when state in ('queued', 'running') then released_at is not null
        else true end
    )
) partition by range (slot_at);

-- No index names `state`, nor another column that a start writes: so the start of a run is a HOT update, which touches
-- no index (measured: 52 us a run against 80).
-- A skip stands beside the run that a backfill makes of its first slot: it says what became of the slot back then.
create unique index runs_one_per_slot on runs (schedule_id, slot_at, (skipped_until is not null))
where origin in ('schedule', 'backfill');
create unique index runs_one_per_item on runs (parent_run_id, item_key, slot_at) where parent_run_id is not null;
create index runs_on_demand on runs (schedule_id, slot_at) where origin not in ('schedule', 'backfill');
create index runs_of_tenant on runs (tenant_id, slot_at, id);
create index runs_pending on runs (available_at, id) where released_at is null and finished_at is null;
create index runs_waiting on runs (schedule_id, slot_at) where available_at = 'infinity' and finished_at is null;
create index runs_released on runs (queue, released_at, id) where released_at is not null and finished_at is null;
create index runs_cancel_asked on runs (id) where cancel_requested_at is not null and finished_at is null;
create index runs_finished on runs (finished_at) where finished_at is not null and schedule_id is not null;

create table run_attempts (
    run_id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    fence bigint not null,
    attempt integer not null,
    process_id uuid,
    started_at timestamptz,
    finished_at timestamptz not null default now(),
    outcome text not null check (outcome in ('done', 'later', 'rejected', 'raised', 'expired')),
    error text,
    traceback text,
    primary key (run_id, fence, slot_at)
) partition by range (slot_at);

create table run_steps (
    run_id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    name text not null,
    fence bigint not null,
    result jsonb,
    created_at timestamptz not null default now(),
    primary key (run_id, name, slot_at)
) partition by range (slot_at);

create table run_logs (
    id uuid not null,
    run_id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    fence bigint not null,
    message text not null,
    fields jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (run_id, id, slot_at)
) partition by range (slot_at);

create table dead_letters (
    id uuid not null,
    run_id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    schedule_id uuid,
    kind text not null,
    cause text not null check (cause in ('rejected', 'attempts_exhausted', 'expired')),
    error text,
    attempts integer not null,
    fence bigint not null,
    state text not null default 'open' check (state in ('open', 'replayed', 'discarded')),
    created_at timestamptz not null default now(),
    resolved_at timestamptz,
    resolved_by text,
    primary key (id, slot_at)
) partition by range (slot_at);

create unique index dead_letters_one_per_death on dead_letters (run_id, fence, slot_at);
create index dead_letters_open on dead_letters (tenant_id, created_at) where state = 'open';

create function guard_new_run() returns trigger language plpgsql as $$
begin
    raise exception 'run %: a run begins pending, queued or skipped and without an attempt', new.id
        using errcode = 'TC001';
end $$;

create trigger runs_begin_open before insert on runs for each row
when (new.state not in ('pending', 'queued', 'skipped') or new.attempt <> 0)
execute function guard_new_run();

-- The last wall, for rogues: legal moves only, no falling fence, no write under a stale fence.
create function guard_run() returns trigger language plpgsql as $$
begin
    if new.id <> old.id or new.slot_at <> old.slot_at or new.tenant_id <> old.tenant_id
       or new.schedule_id is distinct from old.schedule_id or new.origin <> old.origin then
        raise exception 'run %: its identity does not change', old.id using errcode = 'TC005';
    end if;
    if new.fence < old.fence then
        raise exception 'run %: the fence does not fall from % to %', old.id, old.fence, new.fence
            using errcode = 'TC002';
    end if;
    if new.state <> old.state and not (case old.state
        when 'pending' then new.state in ('queued', 'cancelled', 'skipped')
        when 'queued' then new.state in ('running', 'cancelled', 'skipped')
        when 'running' then new.state in ('succeeded', 'pending', 'dead', 'cancelled', 'skipped')
        when 'dead' then new.state = 'pending'
        else false
    end) then
        raise exception 'run %: no move from % to %', old.id, old.state, new.state using errcode = 'TC001';
    end if;
    if new.fence = old.fence and (
        new.state <> old.state or new.attempt <> old.attempt or new.outcome is distinct from old.outcome
        or new.progress is distinct from old.progress or new.leased_by is distinct from old.leased_by
    ) and (old.state <> 'running' or new.written_fence is distinct from old.fence) then
        raise exception 'run %: written under fence %, but the fence is %', old.id, new.written_fence, old.fence
            using errcode = 'TC003';
    end if;
    if new.state = 'running' then
        new.written_fence := null;
    elsif new.state = 'pending' then
        new.released_at := null;
    elsif new.state = 'queued' and old.state = 'pending' then
        new.released_at := coalesce(new.released_at, now());
    end if;
    return new;
end $$;

create trigger runs_guard before update on runs for each row execute function guard_run();

-- The wait before the next attempt: full jitter below base * 2^(attempt - 1), at most max, by the run's own version.
create function backoff_delay(schedule uuid, schedule_version integer, attempt integer) returns interval
language sql volatile as $$
    select make_interval(secs => random() * least(
        coalesce(max((v.definition -> 'backoff' ->> 'maxSeconds')::float8), 3600),
        coalesce(max((v.definition -> 'backoff' ->> 'baseSeconds')::float8), 10) * 2 ^ least(attempt - 1, 30)
    ))
    from schedule_versions as v
    where v.schedule_id = schedule and v.version = schedule_version
$$;
