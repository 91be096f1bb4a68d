-- Nothing is silent: who owns a schedule is told of what goes wrong with it, and what does not arrive in time is found by
-- Postgres's clock alone, whoever plans and works.

alter table schedules
-- squawk-ignore adding-field-with-default, constraint-missing-not-valid
add column deliver_within_seconds integer check (deliver_within_seconds between 1 and 2592000);

-- The dead-man's switch of each schedule that has one.
create table watches (
    schedule_id uuid primary key,
    tenant_id uuid not null,
    -- Slots before it are not asked for.
    since timestamptz not null default now(),
    -- When it is judged next; infinity: once its schedule changes.
    look_at timestamptz not null default now(),
    -- While it is late: since when, and which slot it waits for.
    late_since timestamptz,
    late_slot_at timestamptz,
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id),
    constraint watches_late_for_a_slot check ((late_since is null) = (late_slot_at is null))
);

create index watches_to_judge on watches (look_at);
create index watches_late on watches (late_since) where late_since is not null;

call build_wall('watches', 'select, insert, update, delete');

-- What an owner was told of a schedule and that is not over, so that it is told once: that its runs die (until one
-- succeeds), that a recipient can't be reached (until a mail to it goes out).
create table troubles (
    tenant_id uuid not null,
    what text not null check (what in ('dead', 'undelivered')),
    -- The recipient; empty for what is of the schedule as a whole.
    which text not null,
    schedule_id uuid not null,
    since timestamptz not null default now(),
    -- The newest slot that met it.
    slot_at timestamptz not null,
    primary key (tenant_id, what, which, schedule_id),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id)
);

call build_wall('troubles', 'select, insert, update, delete');

create function watch_schedule() returns trigger language plpgsql as $$
begin
    if new.deliver_within_seconds is null then
        delete from watches as w where w.tenant_id = new.tenant_id and w.schedule_id = new.id;
    else
        insert into watches as w (schedule_id, tenant_id) values (new.id, new.tenant_id)
        on conflict (schedule_id) do update set look_at = now();
    end if;
    return null;
end $$;

create trigger schedules_watch_new after insert on schedules for each row
when (new.deliver_within_seconds is not null) execute function watch_schedule();
create trigger schedules_watch_changed after update of deliver_within_seconds, status, plan_from on schedules
for each row when (num_nonnulls(new.deliver_within_seconds, old.deliver_within_seconds) > 0)
execute function watch_schedule();

-- Whether a run did all that its schedule owes for a slot: it succeeded with something to show for it, none of its
-- deliveries is open, and unless it has none, one at least went out. Null while it did not, else when it had.
create function through_at(run runs) returns timestamptz stable language plpgsql as $$
declare
    told record;
begin
    if run.state <> 'succeeded'
       or run.kind like 'kpi.%' and run.outcome ->> 'outcome' in ('could_not_check', 'stale', 'no_recipients') then
        return null;
    end if;
    select
        count(*) as made, count(*) filter (where d.state in ('sent', 'suppressed')) as settled,
        count(*) filter (where d.state in ('pending', 'sending', 'unknown')) as waiting, max(d.sent_at) as sent_at
    into told
    from deliveries as d where d.run_id = run.id and d.slot_at = run.slot_at;
    if told.waiting > 0 or told.made > 0 and told.settled = 0 then
        return null;
    end if;
    return greatest(run.finished_at, told.sent_at);
end $$;

-- The first run that is through of a slot or of a later one, or that somebody asked for since.
create function first_through(watched uuid, slot timestamptz, out slot_at timestamptz, out arrived_at timestamptz)
stable language plpgsql as $$
begin
    select r.slot_at, through_at(r) into slot_at, arrived_at from runs as r
    where
        r.schedule_id = watched and r.slot_at >= slot and r.origin in ('schedule', 'backfill')
        and r.state || '' = 'succeeded' and through_at(r) is not null
    order by r.slot_at limit 1;
    if slot_at is null then
        select r.slot_at, through_at(r) into slot_at, arrived_at from runs as r
        where
            r.schedule_id = watched and r.slot_at >= slot and r.origin not in ('schedule', 'backfill')
            and r.origin = 'manual' and r.state || '' = 'succeeded' and through_at(r) is not null
        order by r.slot_at limit 1;
    end if;
end $$;

-- The slot that a watched schedule owes since longer than it may; null while it owes none. One that nobody planned is
-- counted from its jitter's end. What a holiday, a pause or a person took away is not owed; what overlap and misfire
-- skipped is.
create function overdue_slot(watched schedules, since timestamptz) returns timestamptz stable language plpgsql as $$
declare
    within_time interval := make_interval(secs => watched.deliver_within_seconds);
    newest timestamptz;
begin
    if watched.status not in ('active', 'completed', 'failed') then
        return null;
    end if;
    select r.slot_at into newest from runs as r
    where
        r.schedule_id = watched.id and r.origin in ('schedule', 'backfill')
        and r.slot_at >= greatest(since, watched.plan_from) and r.slot_at <= now() - within_time
        and r.state || '' <> 'cancelled' and r.reason is distinct from 'holiday'
    order by r.slot_at desc limit 1;
    if newest is not null and (select f.slot_at from first_through(watched.id, newest) as f) is null then
        return newest;
    end if;
    if watched.status = 'active' and watched.next_fire_at <= now() - within_time and watched.next_fire_at >= since then
        return watched.next_fire_at - make_interval(secs => watched.jitter_seconds);
    end if;
    return null;
end $$;

-- When the next slot of a watched schedule is owed: of those that are planned, and of the one to come. No edit makes one
-- owed sooner than the time that it may take, so a look after that time is soon enough for all.
create function next_look(watched schedules) returns timestamptz stable language plpgsql as $$
declare
    within_time interval := make_interval(secs => watched.deliver_within_seconds);
    planned timestamptz;
begin
    if watched.status not in ('active', 'completed', 'failed') then
        return 'infinity';
    end if;
    select min(r.slot_at) into planned from runs as r
    where
        r.schedule_id = watched.id and r.origin in ('schedule', 'backfill')
        and r.slot_at > now() - within_time and r.slot_at < now() + interval '1 day';
    return greatest(
        now() + interval '1 second',
        least(
            coalesce(planned + within_time, 'infinity'),
            coalesce(case when watched.status = 'active' then watched.next_fire_at end + within_time, 'infinity'),
            case when watched.status = 'active' then now() + greatest(within_time, interval '5 seconds') else 'infinity' end
        )
    );
end $$;

-- A UUIDv7 of an instant.
create function id_at(instant timestamptz) returns uuid volatile language sql as $$
    select (
        lpad(to_hex(floor(extract(epoch from instant) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14)
    )::uuid
$$;

-- Makes the run that mails a schedule's owner (`about`), or without one the admins, what they should know: once for each
-- key of a parent. It is released at once, so that it needs no ticker. Where nobody could be told, there is none.
create function tell_owner(
    tenant uuid, about uuid, parent uuid, slot timestamptz, key text, subject text, message text, more jsonb default '{}'
) returns void language plpgsql as $$
declare
    at timestamptz := coalesce(slot, date_trunc('milliseconds', now()));
begin
    if not exists (select from members as m where m.tenant_id = tenant and m.disabled_at is null)
       and not exists (select from tenants as t where t.id = tenant and t.settings ? 'noticesTo') then
        return;
    end if;
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, fence, max_attempts, available_at,
        released_at, params
    )
    values (
        case when parent is null then id_at(at) else id_beside(parent) end, at, tenant, parent, key, 'notice.mail',
        'alerts', 'system', 'queued', 1, 10, now(), now(),
        jsonb_strip_nulls(jsonb_build_object('subject', subject, 'text', message, 'scheduleId', about)) || more
    )
    on conflict do nothing;
end $$;

-- The first death of a schedule since its last success is told; notices and webhooks have no schedule, and tell of nothing.
create function tell_of_deaths() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    found_trouble record;
begin
    if not exists (select from deaths as d where d.schedule_id is not null) then
        return null;
    end if;
    for found_trouble in
        with told as (
            insert into troubles as t (tenant_id, what, which, schedule_id, slot_at)
            select d.tenant_id, 'dead', '', d.schedule_id, max(d.slot_at) from deaths as d
            where d.schedule_id is not null
            group by d.tenant_id, d.schedule_id
            -- In one order, so that two that write the same ones wait for each other and not in a ring.
            order by d.schedule_id
            on conflict (tenant_id, what, which, schedule_id) do update
            set
                slot_at = greatest(t.slot_at, excluded.slot_at),
                since = case
                    when exists (
                        select from runs as r
                        where
                            r.schedule_id = t.schedule_id and r.slot_at >= t.slot_at
                            and r.origin in ('schedule', 'backfill') and r.state || '' = 'succeeded'
                            and r.finished_at > t.since
                    ) then now()
                    else t.since
                end
            returning t.tenant_id, t.schedule_id, t.since = now() as is_new
        )
        select distinct on (told.schedule_id)
            told.tenant_id, told.schedule_id, s.name, d.id, d.run_id, d.slot_at, d.attempts, d.error, d.fence
        from told
        inner join schedules as s on s.tenant_id = told.tenant_id and s.id = told.schedule_id
        inner join deaths as d on d.schedule_id = told.schedule_id
        where told.is_new
        order by told.schedule_id, d.slot_at
    loop
        perform tell_owner(
            found_trouble.tenant_id, found_trouble.schedule_id, found_trouble.run_id, found_trouble.slot_at,
            'told:died:' || found_trouble.fence, found_trouble.name || ' failed',
            'The run of ' || found_trouble.name || ' for ' || rfc3339(found_trouble.slot_at) || ' died after '
            || found_trouble.attempts || ' attempts: ' || coalesce(found_trouble.error, 'no reason was given')
            || chr(10) || chr(10) || 'It is the dead letter ' || found_trouble.id || ', and can be replayed. Further '
            || 'runs that die are among the dead letters too; you are told again once one has succeeded in between.'
        );
    end loop;
    return null;
end $$;

create trigger dead_letters_tell_owner after insert on dead_letters
referencing new table as deaths for each statement execute function tell_of_deaths();

-- The first failure to reach a recipient is told, with all others of the same run, until a mail to it goes out.
create function tell_of_undelivered() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    schedule record;
begin
    select s.id, s.tenant_id, s.name into schedule from runs as r
    inner join schedules as s on s.tenant_id = r.tenant_id and s.id = r.schedule_id
    where r.id = new.run_id and r.slot_at = new.slot_at;
    if not found then
        return null;
    end if;
    insert into troubles as t (tenant_id, what, which, schedule_id, slot_at)
    values (schedule.tenant_id, 'undelivered', new.recipient, schedule.id, new.slot_at)
    on conflict do nothing;
    if found then
        perform tell_owner(
            schedule.tenant_id, schedule.id, new.run_id, new.slot_at, 'told:' || new.state,
            schedule.name || ' could not be delivered to all',
            'What ' || schedule.name || ' had to say for ' || rfc3339(new.slot_at) || ' could not be delivered to:',
            jsonb_build_object('undeliveredRunId', new.run_id, 'undeliveredSlotAt', rfc3339(new.slot_at))
        );
    end if;
    return null;
end $$;

create trigger deliveries_tell_owner after update on deliveries for each row
when (new.state in ('failed', 'bounced') and old.state <> new.state) execute function tell_of_undelivered();

create function end_undelivered() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
begin
    delete from troubles as t
    using runs as r
    where
        t.tenant_id = new.tenant_id and t.what = 'undelivered' and t.which = new.recipient
        and r.id = new.run_id and r.slot_at = new.slot_at and r.schedule_id = t.schedule_id;
    return null;
end $$;

create trigger deliveries_end_trouble after update on deliveries for each row
when (new.state = 'sent' and old.state <> 'sent') execute function end_undelivered();

-- A schedule that can't be planned: it is tried again, or it is over until somebody mends it.
create function tell_of_unplanned() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
begin
    perform tell_owner(
        new.tenant_id, new.id, null, null, null,
        new.name || case when new.status = 'failed' then ' is disabled' else ' could not be planned' end,
        new.name || ' could not be planned: ' || new.last_error || chr(10) || chr(10) || case
            when new.status = 'failed' then 'It is disabled, and fires no more until it is mended and resumed.'
            else 'It is tried again each minute; you are told again if it fails anew after it went well.'
        end
    );
    return null;
end $$;

create trigger schedules_tell_owner after update of last_error on schedules for each row
when (
    new.last_error is not null
    and (old.last_error is null or new.status = 'failed' and old.status <> 'failed')
)
execute function tell_of_unplanned();

-- Whoever leaves leaves schedules behind: they go on, and the admins are told once whose they were.
create function warn_of_handover() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    left_behind record;
begin
    if old.tenant_id::text = current_setting('tocsin.erasing', true) then
        return null;
    end if;
    select count(*) as number, string_agg('- ' || n.name, chr(10) order by n.place) filter (where n.place <= 50) as names
    into left_behind
    from (
        select s.name, row_number() over (order by s.name) as place from schedules as s
        where
            s.tenant_id = old.tenant_id and s.status in ('active', 'paused')
            and (s.created_by = 'member:' || old.subject or s.created_by in (
                select 'token:' || t.id from api_tokens as t
                where t.tenant_id = old.tenant_id and t.created_by = 'member:' || old.subject
            ))
    ) as n;
    if left_behind.number > 0 then
        perform tell_owner(
            old.tenant_id, null, null, null, null, old.email || ' left ' || left_behind.number || ' schedules behind',
            old.email || ' (' || old.subject || ') is a member no more. These schedules of theirs go on, and what goes '
            || 'wrong with them is told to you from now on. Make each anew under another name, or cancel it:' || chr(10)
            || chr(10) || left_behind.names
            || case when left_behind.number > 50 then chr(10) || '- and others' else '' end
        );
    end if;
    return null;
end $$;

create trigger members_warn_when_disabled after update of disabled_at on members for each row
when (new.disabled_at is not null and old.disabled_at is null) execute function warn_of_handover();
create trigger members_warn_when_deleted after delete on members for each row
when (old.disabled_at is null) execute function warn_of_handover();

-- Makes the runs that tell webhooks of something that happened to a schedule and not to a run.
create function raise_schedule_event(tenant uuid, event text, data jsonb) returns void language plpgsql as $$
begin
    insert into runs (
        id, slot_at, tenant_id, kind, queue, origin, state, fence, max_attempts, available_at, released_at, params
    )
    select
        id_at(now()), date_trunc('milliseconds', now()), w.tenant_id, 'webhook.send', 'calls', 'system', 'queued', 1,
        10, now(), now(),
        jsonb_build_object(
            'webhookId', w.id, 'body', jsonb_build_object('type', event, 'timestamp', rfc3339(now()), 'data', data)
        )
    from webhooks as w where w.tenant_id = tenant and w.status = 'active' and event = any(w.events);
end $$;

alter table webhooks
-- squawk-ignore ban-drop-constraint
drop constraint webhooks_events_check,
-- squawk-ignore constraint-missing-not-valid
add constraint webhooks_events_check check (
    cardinality(events) > 0
    and events <@ array[
        'run.succeeded', 'run.dead', 'run.delivered', 'alert.firing', 'alert.resolved', 'schedule.late',
        'schedule.arrived'
    ]
);

-- Recipients by role, or out of a graph's column; found when something is sent.
alter table kpi_alerts
add column recipient_rules jsonb not null default '[]' check (jsonb_typeof(recipient_rules) = 'array');

create or replace function project_kpi_alert() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(new) ->> 'id')::uuid
                       else (to_jsonb(new) ->> 'kpi_alert_id')::uuid end;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'alertId', a.id, 'alertName', a.alert_name, 'recipients', to_jsonb(a.recipients) || a.recipient_rules,
        'graphId', a.graph_id, 'templateId', a.template_id,
        'channels', (
            select jsonb_agg(jsonb_build_object('id', c.id, 'type', c.type) order by o.position)
            from kpi_alert_channels as o inner join channels as c on c.tenant_id = o.tenant_id and c.id = o.channel_id
            where o.tenant_id = a.tenant_id and o.kpi_alert_id = a.id
        )
    )) || case a.alert_type
        when 'threshold' then jsonb_strip_nulls(jsonb_build_object(
            'condition', t.condition, 'thresholdValue', t.threshold_value::text,
            'thresholdHigh', t.threshold_high::text
        )) || coalesce(t.policy, '{}')
        else jsonb_strip_nulls(jsonb_build_object(
            'dashboardId', a.dashboard_id, 'gatingCondition', k.gating_condition, 'attachmentType', k.attachment_type
        )) || coalesce(k.options, '{}')
    end
    from kpi_alerts as a
    left join kpi_thresholds as t on t.kpi_alert_id = a.id
    left join kpi_schedules as k on k.kpi_alert_id = a.id
    where a.id = alert and s.id = a.schedule_id and num_nonnulls(t.kpi_alert_id, k.kpi_alert_id) = 1;
    return null;
end $$;
