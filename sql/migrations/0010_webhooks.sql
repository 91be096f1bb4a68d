-- Webhooks: who is told of what happened. Each event becomes one run a webhook, in the transaction of what happened.

create table webhooks (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    -- Scheme, host and port of its address, to be shown. The path is often a password, so the whole is sealed.
    origin text not null,
    sealed_url text not null,
    events text[] not null check (
        cardinality(events) > 0
        and events <@ array['run.succeeded', 'run.dead', 'run.delivered', 'alert.firing', 'alert.resolved']
    ),
    -- One whsec_ key, or the new one and the old one with a space between, which signs beside it for a while.
    sealed_secret text not null,
    old_secret_until timestamptz,
    status text not null default 'active' check (status in ('active', 'disabled')),
    disabled_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name),
    check ((status = 'disabled') = (disabled_reason is not null))
);

-- What every end of a run asks; empty where nobody wants to be told.
create index webhooks_active on webhooks (tenant_id) where status = 'active';

call build_wall('webhooks', 'select, insert, update, delete');

-- An instant as the API writes it.
create function rfc3339(instant timestamptz) returns text stable language sql as $$
    select replace(to_char(instant at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')
$$;

-- A UUIDv7 with the time of another one, so that it finds the same partition.
create function id_beside(other uuid) returns uuid volatile language sql as $$
    select (left(other::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid
$$;

-- What an event tells of a run. In plpgsql, which keeps its plan: a function in SQL is planned at each call.
create function told_of_run(told runs) returns jsonb stable language plpgsql as $$
begin
    return jsonb_build_object(
        'runId', told.id, 'kind', told.kind, 'scheduleId', told.schedule_id,
        'scheduleName', (
            select s.name from schedules as s where s.tenant_id = told.tenant_id and s.id = told.schedule_id
        ),
        'slotAt', rfc3339(told.slot_at), 'origin', told.origin, 'state', told.state, 'attempt', told.attempt,
        'startedAt', rfc3339(told.started_at), 'finishedAt', rfc3339(told.finished_at), 'error', told.error
    );
end $$;

-- Something that happened to a run; `which` parts it from another of its name of the same run.
create type event as (tenant_id uuid, run_id uuid, slot_at timestamptz, name text, which text, data jsonb);

-- Makes the runs that tell of events: of each one for each active webhook of its tenant that wants it. Their params hold
-- what is sent, the same at every attempt. The index runs_one_per_item lets the same event of the same run through once.
create function raise_events(events event[]) returns void language plpgsql as $$
begin
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(e.run_id), e.slot_at, e.tenant_id, e.run_id, concat_ws(':', w.id, e.name, e.which),
        'webhook.send', 'calls', 'system', 'pending', 10, now(),
        jsonb_build_object(
            'webhookId', w.id,
            'body', jsonb_build_object('type', e.name, 'timestamp', rfc3339(now()), 'data', e.data)
        )
    from unnest(events) as e
    inner join webhooks as w on w.tenant_id = e.tenant_id and w.status = 'active' and e.name = any(w.events)
    on conflict do nothing;
    if found then
        perform pg_notify('tocsin', '');
    end if;
end $$;

-- What tells of others is told of by nobody, or it would never end.
create function may_raise_events(kind text) returns boolean immutable language sql as $$
    select kind not in ('webhook.send', 'notice.mail')
$$;

-- Asked once a statement and not once a run. Without a webhook it costs one look into an empty index (measured, for 200
-- ends: a seventh of what their history costs).
create function raise_run_events() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    events event[];
begin
    if not exists (select from webhooks where status = 'active') then
        return null;
    end if;
    -- A run succeeds once; it dies as often as it is opened again.
    select array_agg(row(
        m.tenant_id, m.id, m.slot_at, 'run.' || m.state, case when m.state = 'dead' then m.fence end,
        told_of_run(row(m.*)::runs)
    )::event) into events
    from moved as m
    where m.state in ('succeeded', 'dead') and may_raise_events(m.kind) and exists (
        select from webhooks as w
        where w.tenant_id = m.tenant_id and w.status = 'active' and 'run.' || m.state = any(w.events)
    );
    if events is not null then
        perform raise_events(events);
    end if;
    return null;
end $$;

create trigger runs_raise_events after update on runs
referencing new table as moved for each statement execute function raise_run_events();

-- The last delivery that is sent ends its run's deliveries. The run is locked, so that of two that end at once the second
-- sees the first.
create function raise_delivered_event() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    delivered runs;
begin
    if not exists (
        select from webhooks as w
        where w.tenant_id = new.tenant_id and w.status = 'active' and 'run.delivered' = any(w.events)
    ) then
        return null;
    end if;
    select * into delivered from runs as r where r.id = new.run_id and r.slot_at = new.slot_at for no key update;
    if not found or not may_raise_events(delivered.kind) or exists (
        select from deliveries as d
        where d.run_id = new.run_id and d.slot_at = new.slot_at and d.state not in ('sent', 'suppressed')
    ) then
        return null;
    end if;
    perform raise_events(array[row(
        new.tenant_id, new.run_id, new.slot_at, 'run.delivered', null,
        told_of_run(delivered) || jsonb_build_object('deliveries', (
            select count(*) from deliveries as d
            where d.run_id = new.run_id and d.slot_at = new.slot_at and d.state = 'sent'
        ))
    )::event]);
    return null;
end $$;

create trigger deliveries_raise_event after update on deliveries for each row
when (new.state = 'sent' and old.state <> 'sent') execute function raise_delivered_event();

create function raise_alert_event() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    told text := case when new.state = 'firing' then 'alert.firing' else 'alert.resolved' end;
    evaluated runs;
begin
    if not exists (
        select from webhooks as w
        where w.tenant_id = new.tenant_id and w.status = 'active' and told = any(w.events)
    ) then
        return null;
    end if;
    select * into evaluated from runs as r where r.id = new.run_id and r.slot_at = new.slot_at;
    if found then
        perform raise_events(array[row(
            new.tenant_id, new.run_id, new.slot_at, told, nullif(new.segment, ''),
            told_of_run(evaluated) || jsonb_build_object(
                'alertId', new.alert_id,
                'alertName', (
                    select a.alert_name from kpi_alerts as a
                    where a.tenant_id = new.tenant_id and a.id = new.alert_id
                ),
                'segment', new.segment, 'alertState', new.state, 'value', new.value::text, 'since', rfc3339(new.since)
            )
        )::event]);
    end if;
    return null;
end $$;

create trigger alert_states_raise_firing after insert on alert_states for each row
when (new.state = 'firing') execute function raise_alert_event();
create trigger alert_states_raise_change after update on alert_states for each row
when (new.state = 'firing' and old.state <> 'firing' or new.state = 'ok' and old.state = 'firing')
execute function raise_alert_event();
