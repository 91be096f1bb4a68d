-- Crew calls: users with their context and goal, the endpoints that are asked about them, and what these answer.

create table users (
    id uuid not null default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    uid text not null check (uid <> '' and length(uid) <= 255),
    context text,
    goal text,
    segment text,
    priority smallint not null default 5 check (priority between 0 and 9),
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, uid),
    unique (tenant_id, id)
);

-- Whom a crew asks about, in its order.
create index users_to_ask on users (tenant_id, priority, uid) where active;
create index users_listed on users (tenant_id, created_at desc, id desc);

call build_wall('users', 'select, insert, update, delete');

create table crew_endpoints (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    url text not null check (url <> ''),
    -- One JSON object of headers, sealed as a whole.
    sealed_headers text,
    timeout_seconds float8 not null default 60 check (timeout_seconds > 0 and timeout_seconds <= 280),
    concurrency integer not null default 20 check (concurrency between 1 and 100000),
    rate_per_minute integer check (rate_per_minute between 1 and 1000000),
    -- Whose users it is asked about; empty: all for whom no other endpoint is there.
    segments text[] not null default '{}',
    protocol text not null default 'plain' check (protocol in ('plain', 'crewai')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name)
);

call build_wall('crew_endpoints', 'select, insert, update, delete');

create table crew_responses (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    user_uid text not null,
    request_context text,
    request_goal text,
    response_data jsonb,
    -- Null for what somebody stored by hand. No foreign keys: an answer outlives whom it came from.
    endpoint_id uuid,
    run_id uuid,
    slot_at timestamptz,
    status text not null default 'answered' check (status in ('answered', 'failed')),
    error text,
    -- The beginning of an answer that could not be read.
    excerpt text,
    -- What the schedule's rule found in the answer.
    matched jsonb,
    latency_ms integer,
    created_at timestamptz not null default now(),
    unique (tenant_id, id),
    foreign key (tenant_id, user_uid) references users (tenant_id, uid) on delete cascade
);

create unique index crew_responses_one_per_run on crew_responses (run_id) where run_id is not null;
create index crew_responses_listed on crew_responses (tenant_id, created_at desc, id desc);
create index crew_responses_of_user on crew_responses (tenant_id, user_uid, created_at desc, id desc);
create index crew_responses_by_age on crew_responses (created_at);

call build_wall('crew_responses', 'select, insert, update, delete');

-- An endpoint's concurrency and rate are a limit like others, and its circuit stands beside them: whoever releases runs
-- holds this row, so an open circuit lets nobody through, and after a while one to try.
alter table limits
-- squawk-ignore ban-drop-constraint
drop constraint limits_name_check,
-- squawk-ignore constraint-missing-not-valid
add constraint limits_name_check check (
    name ~ '^(tenant|(source|endpoint):[0-9a-f-]{36}|host:[^[:space:]]{1,255})$'
),
-- Calls that failed since one was answered.
add column failed_in_row integer not null default 0,
-- The retry budget: each failure adds one, each answer takes a quarter away.
add column strain float8 not null default 0,
add column open_since timestamptz,
-- While the circuit is open: when one call may try again.
add column open_until timestamptz,
add column probes integer not null default 0,
-- When the owner was told of it last, and whether they are still to hear that it is over.
add column told_at timestamptz,
add column is_told boolean not null default false;

-- squawk-ignore require-concurrent-index-creation
create index limits_open on limits (open_since) where open_since is not null;

create function limit_endpoint() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        delete from limits as l where l.tenant_id = old.tenant_id and l.name = 'endpoint:' || old.id;
        return null;
    end if;
    insert into limits as l (tenant_id, name, max_running, max_per_minute)
    values (new.tenant_id, 'endpoint:' || new.id, new.concurrency, new.rate_per_minute)
    on conflict (tenant_id, name) do update
    set max_running = excluded.max_running, max_per_minute = excluded.max_per_minute, updated_at = now();
    return null;
end $$;

create trigger crew_endpoints_limit after insert or update or delete on crew_endpoints
for each row execute function limit_endpoint();

-- Tells the owner of a crew that an endpoint gives no answer, or that it does again.
create function tell_of_circuit(
    tenant uuid, about uuid, endpoint uuid, is_open boolean, since timestamptz, error text
) returns boolean language plpgsql as $$
declare
    name text := (select e.name from crew_endpoints as e where e.tenant_id = tenant and e.id = endpoint);
begin
    perform tell_owner(
        tenant, about, null, null, null,
        'The crew endpoint ' || name || case when is_open then ' gives no answer' else ' answers again' end,
        case
            when is_open then 'The crew endpoint ' || name || ' gives no answer: ' || coalesce(error, 'its calls fail')
                || chr(10) || chr(10) || 'Its calls wait until it does: none of them is lost, and none counts as an '
                || 'attempt. You are told when it answers again.'
            else 'The crew endpoint ' || name || ' gave no answer since ' || rfc3339(since)
                || ' and answers again. The calls that waited go on.'
        end
    );
    return true;
end $$;

-- The crews that were cancelled while their calls may be open: a ticker ends those, and then takes the row away.
create table cancelled_crews (
    run_id uuid primary key,
    slot_at timestamptz not null,
    tenant_id uuid not null
);

call build_wall('cancelled_crews', 'select, insert, delete');

create function note_cancelled_crew() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
begin
    insert into cancelled_crews (run_id, slot_at, tenant_id) values (new.id, new.slot_at, new.tenant_id)
    on conflict do nothing;
    return null;
end $$;

create trigger runs_note_cancelled_crew after update on runs for each row
when (new.state = 'cancelled' and old.state <> 'cancelled' and new.kind = 'crew.call')
execute function note_cancelled_crew();

-- A call of a crew is told by its answer, and not as a run beside it.
create or replace function may_raise_events(kind text) returns boolean immutable language sql as $$
    select kind not in ('webhook.send', 'notice.mail', 'crew.ask')
$$;

create function raise_crew_events() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    events event[];
begin
    if not exists (select from webhooks where status = 'active') then
        return null;
    end if;
    select array_agg(row(
        m.tenant_id, m.run_id, m.slot_at, names.name, null,
        jsonb_build_object(
            'responseId', m.id, 'runId', m.run_id, 'userUid', m.user_uid, 'endpointId', m.endpoint_id,
            'slotAt', rfc3339(m.slot_at), 'latencyMs', m.latency_ms, 'matched', m.matched
        )
    )::event) into events
    from moved as m
    cross join (values ('crew.answered'), ('crew.matched')) as names (name)
    where
        m.run_id is not null and m.status = 'answered'
        and (names.name = 'crew.answered' or m.matched is not null)
        and exists (
            select from webhooks as w
            where w.tenant_id = m.tenant_id and w.status = 'active' and names.name = any(w.events)
        );
    if events is not null then
        perform raise_events(events);
    end if;
    return null;
end $$;

create trigger crew_responses_raise_new after insert on crew_responses
referencing new table as moved for each statement execute function raise_crew_events();
create trigger crew_responses_raise_changed after update on crew_responses
referencing new table as moved for each statement execute function raise_crew_events();

alter table webhooks
-- squawk-ignore ban-drop-constraint
drop constraint webhooks_events_check,
-- squawk-ignore constraint-missing-not-valid
add constraint webhooks_events_check check (
    cardinality(events) > 0
    and events <@ array[
        'run.succeeded', 'run.dead', 'run.delivered', 'alert.firing', 'alert.resolved', 'schedule.late',
        'schedule.arrived', 'crew.answered', 'crew.matched'
    ]
);
