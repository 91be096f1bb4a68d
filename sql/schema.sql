-- What the migrations make, dumped by `make schema`; a test fails when this file has drifted. Not to be run.

CREATE TYPE public.event AS (
	tenant_id uuid,
	run_id uuid,
	slot_at timestamp with time zone,
	name text,
	which text,
	data jsonb
);

CREATE FUNCTION public.alarms(state text, memory jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (COALESCE((memory ->> 'alarm'::text), state) = ANY (ARRAY['firing'::text, 'recovering'::text]));

CREATE TABLE public.audit_log (
    chain uuid NOT NULL,
    number bigint NOT NULL,
    tenant_id uuid,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    subject_type text NOT NULL,
    subject_id text NOT NULL,
    before jsonb,
    after jsonb,
    address text,
    request_id text,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_log_check CHECK ((chain = COALESCE(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)))
);

CREATE FUNCTION public.audit_hash(entry public.audit_log) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$
    select sha256(entry.previous || convert_to(jsonb_build_array(
        entry.chain, entry.number, entry.tenant_id, extract(epoch from entry.at), entry.who, entry.action,
        entry.subject_type, entry.subject_id, entry.before, entry.after, entry.address, entry.request_id
    )::text, 'UTF8'))
$$;

CREATE FUNCTION public.backoff_delay(schedule uuid, schedule_version integer, attempt integer) RETURNS interval
    LANGUAGE sql
    AS $$
    select make_interval(secs => random() * least(
        coalesce(max((v.definition -> 'backoff' ->> 'maxSeconds')::float8), 3600),
        coalesce(max((v.definition -> 'backoff' ->> 'baseSeconds')::float8), 10) * 2 ^ least(attempt - 1, 30)
    ))
    from schedule_versions as v
    where v.schedule_id = schedule and v.version = schedule_version
$$;

CREATE PROCEDURE public.build_wall(IN name text, IN rights text)
    LANGUAGE plpgsql
    AS $$
begin
    insert into walls (name, tenant_column, rights) values (build_wall.name, 'tenant_id', build_wall.rights);
    if exists (select from pg_roles where rolname = 'tocsin_api') then
        call raise_wall(build_wall.name);
    end if;
end $$;

CREATE FUNCTION public.chain_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.check_alert_whole() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(coalesce(new, old)) ->> 'id')::uuid
                       else (to_jsonb(coalesce(new, old)) ->> 'kpi_alert_id')::uuid end;
    whole record;
begin
    select
        a.alert_type, s.kind,
        exists (select from kpi_thresholds as t where t.kpi_alert_id = a.id) as has_threshold,
        exists (select from kpi_schedules as k where k.kpi_alert_id = a.id) as has_schedule
    into whole
    from kpi_alerts as a inner join schedules as s on s.id = a.schedule_id
    where a.id = alert;
    if found and (
        whole.kind <> 'kpi.' || whole.alert_type or whole.has_threshold <> (whole.alert_type = 'threshold')
        or whole.has_schedule <> (whole.alert_type = 'schedule')
    ) then
        raise exception 'the alert % is a % and lacks its child, has another one, or a schedule of kind %',
            alert, whole.alert_type, whole.kind using errcode = 'TC007';
    end if;
    return null;
end $$;

CREATE FUNCTION public.check_pulse_whole() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    pulse uuid := case when tg_table_name = 'schedules' then (to_jsonb(coalesce(new, old)) ->> 'id')::uuid
                       else (to_jsonb(coalesce(new, old)) ->> 'schedule_id')::uuid end;
    whole record;
begin
    select
        s.kind, s.status in ('cancelled', 'completed') as is_over,
        exists (select from pulse_configs as p where p.schedule_id = s.id) as has_config
    into whole
    from schedules as s
    where s.id = pulse;
    if found and (
        whole.has_config and whole.kind <> 'pulse.report'
        or not whole.has_config and whole.kind = 'pulse.report' and not whole.is_over
    ) then
        raise exception 'the schedule % is of the kind % and has % config of a pulse',
            pulse, whole.kind, case when whole.has_config then 'a' else 'no' end using errcode = 'TC007';
    end if;
    return null;
end $$;

CREATE FUNCTION public.check_report_whole() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    wanted uuid := case when tg_table_name = 'schedules' then (to_jsonb(coalesce(new, old)) ->> 'id')::uuid
                        else (to_jsonb(coalesce(new, old)) ->> 'schedule_id')::uuid end;
    whole record;
begin
    select s.kind, s.status, exists (select from scheduled_reports as r where r.schedule_id = s.id) as has_report
    into whole
    from schedules as s
    where s.id = wanted;
    if found and (
        whole.has_report and whole.kind <> 'report.export'
        or not whole.has_report and whole.kind = 'report.export' and whole.status not in ('cancelled', 'completed')
    ) then
        raise exception 'the schedule % of the kind % and its scheduled report are not both there', wanted, whole.kind
            using errcode = 'TC007';
    end if;
    return null;
end $$;

CREATE FUNCTION public.drop_partitions(cutoff timestamp with time zone) RETURNS text[]
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
declare
    dropped text[] := '{}';
    part text;
    week text;
    is_busy boolean;
begin
    perform pg_advisory_xact_lock(hashtext('tocsin.partitions'));
    for part in
        select c.relname from pg_inherits as i inner join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'runs'::regclass order by c.relname
    loop
        week := right(part, 8);
        continue when to_date(week, 'YYYYMMDD') + 7 > (cutoff at time zone 'UTC')::date;
        execute format(
            'select exists (select from %I where state in (''pending'', ''queued'', ''running'')) '
            'or exists (select from %I where state in (''pending'', ''sending''))',
            part, 'deliveries_' || week) into is_busy;
        continue when is_busy;
        for part in select t || '_' || week from unnest(partitioned_tables()) as t loop
            execute format('drop table %I', part);
        end loop;
        dropped := dropped || week;
    end loop;
    return dropped;
end $$;

CREATE FUNCTION public.end_undelivered() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    delete from troubles as t
    using runs as r
    where
        t.tenant_id = new.tenant_id and t.what = 'undelivered' and t.which = new.recipient
        and r.id = new.run_id and r.slot_at = new.slot_at and r.schedule_id = t.schedule_id;
    return null;
end $$;

CREATE FUNCTION public.erase_tenant(erased uuid) RETURNS TABLE(name text, gone bigint)
    LANGUAGE plpgsql
    AS $_$
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
end $_$;

CREATE FUNCTION public.error_pattern(error text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select coalesce(nullif(btrim(left(regexp_replace(regexp_replace(
        left(error, 500),
        '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\w*\d\w*([-:]\w+|\.\w*\d\w*)*', '#', 'g'),
        '\s+', ' ', 'g'), 200)), ''), '-')
$$;

CREATE FUNCTION public.export_tenant(wanted uuid) RETURNS TABLE(name text, content jsonb)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    place text;
begin
    return query select 'tenants', to_jsonb(t) from tenants as t where t.id = wanted;
    for place in select t.name from tables_of_tenants() as t loop
        return query execute format('select %L, to_jsonb(t) from %I as t where t.tenant_id = $1', place, place)
        using wanted;
    end loop;
end $_$;

CREATE FUNCTION public.first_through(watched uuid, slot timestamp with time zone, OUT slot_at timestamp with time zone, OUT arrived_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE FUNCTION public.guard_delivery() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.id <> old.id or new.slot_at <> old.slot_at or new.tenant_id <> old.tenant_id or new.run_id <> old.run_id
       or new.channel <> old.channel or new.recipient <> old.recipient then
        raise exception 'delivery %: its identity does not change', old.id using errcode = 'TC005';
    end if;
    if new.fence < old.fence then
        raise exception 'delivery %: the fence does not fall from % to %', old.id, old.fence, new.fence
            using errcode = 'TC002';
    end if;
    if new.state <> old.state and not (case old.state
        when 'pending' then new.state in ('sending', 'suppressed', 'failed')
        when 'sending' then new.state in ('sent', 'failed', 'unknown', 'pending')
        when 'unknown' then new.state in ('pending', 'sent', 'failed', 'bounced')
        when 'sent' then new.state in ('bounced', 'pending')
        when 'failed' then new.state = 'pending'
        when 'suppressed' then new.state = 'pending'
        when 'bounced' then new.state = 'pending'
        else false
    end) then
        raise exception 'delivery %: no move from % to %', old.id, old.state, new.state using errcode = 'TC001';
    end if;
    if new.fence = old.fence and (
        new.state <> old.state or new.handed_over_at is distinct from old.handed_over_at
    ) and (old.state <> 'sending' or new.written_fence is distinct from old.fence) then
        raise exception 'delivery %: written under fence %, but the fence is %', old.id, new.written_fence, old.fence
            using errcode = 'TC003';
    end if;
    if new.state = 'sending' then
        new.written_fence := null;
    end if;
    return new;
end $$;

CREATE FUNCTION public.guard_new_run() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'run %: a run begins pending, queued or skipped and without an attempt', new.id
        using errcode = 'TC001';
end $$;

CREATE FUNCTION public.guard_run() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.has_owner(tenant uuid) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select
        exists (select from members as m where m.tenant_id = tenant and m.disabled_at is null)
        or exists (select from tenants as t where t.id = tenant and t.settings ? 'noticesTo')
$$;

CREATE FUNCTION public.id_at(instant timestamp with time zone) RETURNS uuid
    LANGUAGE sql
    AS $$
    select (
        lpad(to_hex(floor(extract(epoch from instant) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14)
    )::uuid
$$;

CREATE FUNCTION public.id_beside(other uuid) RETURNS uuid
    LANGUAGE sql
    AS $$
    select (left(other::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid
$$;

CREATE FUNCTION public.keep_report_definition() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into report_definition_versions (
        report_definition_id, version, tenant_id, name, graph_id, dashboard_id, source_id, query, definition
    )
    values (
        new.id, new.version, new.tenant_id, new.name, new.graph_id, new.dashboard_id, new.source_id, new.query,
        new.definition
    )
    on conflict (report_definition_id, version) do update
    set name = excluded.name, graph_id = excluded.graph_id, dashboard_id = excluded.dashboard_id,
        source_id = excluded.source_id, query = excluded.query, definition = excluded.definition;
    return null;
end $$;

CREATE FUNCTION public.keep_schedule_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.limit_endpoint() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.limits_of(tenant uuid, uses text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
        select array_agg(l.name order by l.name) from limits as l
        where l.tenant_id = tenant and (l.name = 'tenant' or l.name = any(uses))
    );
end $$;

CREATE FUNCTION public.make_partitions(first_at timestamp with time zone, last_at timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET lock_timeout TO '5s'
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    made integer := 0;
    week timestamp := date_trunc('week', first_at at time zone 'UTC');
    parent text;
    part text;
begin
    perform pg_advisory_xact_lock(hashtext('tocsin.partitions'));
    while week <= last_at at time zone 'UTC' loop
        foreach parent in array partitioned_tables() loop
            part := parent || '_' || to_char(week, 'YYYYMMDD');
            if to_regclass(part) is null then
                -- Half a page of runs is left free for the versions that their starts write beside them.
                execute format(
                    'create table %I (like %I including defaults including constraints including generated) '
                    'with (fillfactor = %s, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)',
                    part, parent, case when parent = 'runs' then 50 else 80 end);
                execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part,
                    week at time zone 'UTC', (week + interval '7 days') at time zone 'UTC');
                execute format('analyze %I', part);
                made := made + 1;
            end if;
        end loop;
        week := week + interval '7 days';
    end loop;
    return made;
end $$;

CREATE FUNCTION public.may_raise_events(kind text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    select kind not in ('webhook.send', 'notice.mail', 'crew.ask')
$$;

CREATE FUNCTION public.missing_walls() RETURNS TABLE(name text)
    LANGUAGE sql STABLE
    AS $$
    select w.name from walls as w
    inner join pg_class as c on c.relname = w.name and c.relnamespace = 'public'::regnamespace
    where not exists (
        select from pg_roles as r
        where r.rolname = 'tocsin_api' and has_table_privilege(r.oid, c.oid, 'select')
    )
    or w.tenant_column is not null and not (
        c.relrowsecurity and exists (select from pg_policy as p where p.polrelid = c.oid and p.polname = 'tenant_wall')
    )
    order by w.tenant_column is not distinct from 'tenant_id', w.name
$$;

CREATE FUNCTION public.name_maker() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    select r.parent_run_id, r.item_key, p.schedule_id into new.parent_run_id, new.item_key, new.schedule_id
    from runs as r
    left join runs as p on p.id = r.parent_run_id and p.slot_at = r.slot_at and p.slot_at = new.slot_at
    where r.id = new.run_id and r.slot_at = new.slot_at;
    return new;
end $$;

CREATE TABLE public.schedules (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    cron text,
    interval_seconds bigint,
    interval_anchor timestamp with time zone,
    scheduled_at timestamp with time zone,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    dst_gap text DEFAULT 'end'::text NOT NULL,
    dst_fold text DEFAULT 'first'::text NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    next_fire_at timestamp with time zone,
    last_slot_at timestamp with time zone,
    plan_from timestamp with time zone DEFAULT now() NOT NULL,
    last_run_at timestamp with time zone,
    status text DEFAULT 'active'::text NOT NULL,
    misfire_policy text DEFAULT 'once'::text NOT NULL,
    misfire_grace_seconds integer DEFAULT 60 NOT NULL,
    misfire_limit integer DEFAULT 1000 NOT NULL,
    overlap_policy text DEFAULT 'skip'::text NOT NULL,
    jitter_seconds integer DEFAULT 0 NOT NULL,
    max_runs bigint,
    run_count bigint DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 5 NOT NULL,
    backoff jsonb DEFAULT '{"maxSeconds": 3600, "baseSeconds": 10}'::jsonb NOT NULL,
    timeout_seconds integer DEFAULT 300 NOT NULL,
    unknown_delivery_policy text DEFAULT 'resend'::text NOT NULL,
    priority smallint DEFAULT 5 NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    pause_note text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    last_error text,
    last_error_at timestamp with time zone,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    uses text[] DEFAULT '{}'::text[] NOT NULL,
    calendar_id uuid,
    recurrence jsonb,
    deliver_within_seconds integer,
    CONSTRAINT schedules_at_whole_milliseconds CHECK ((scheduled_at = date_trunc('milliseconds'::text, scheduled_at))),
    CONSTRAINT schedules_calendar_recurs CHECK (((calendar_id IS NULL) OR (scheduled_at IS NULL))),
    CONSTRAINT schedules_deliver_within_seconds_check CHECK (((deliver_within_seconds >= 1) AND (deliver_within_seconds <= 2592000))),
    CONSTRAINT schedules_dst_fold_check CHECK ((dst_fold = ANY (ARRAY['first'::text, 'second'::text, 'both'::text]))),
    CONSTRAINT schedules_dst_gap_check CHECK ((dst_gap = ANY (ARRAY['end'::text, 'skip'::text, 'shift'::text]))),
    CONSTRAINT schedules_end_after_start CHECK ((ends_at > starts_at)),
    CONSTRAINT schedules_from_whole_milliseconds CHECK ((interval_anchor = date_trunc('milliseconds'::text, interval_anchor))),
    CONSTRAINT schedules_interval_has_anchor CHECK (((interval_seconds IS NULL) = (interval_anchor IS NULL))),
    CONSTRAINT schedules_interval_seconds_check CHECK ((interval_seconds > 0)),
    CONSTRAINT schedules_jitter_seconds_check CHECK (((jitter_seconds >= 0) AND (jitter_seconds <= 86400))),
    CONSTRAINT schedules_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 100))),
    CONSTRAINT schedules_max_runs_check CHECK ((max_runs > 0)),
    CONSTRAINT schedules_misfire_grace_seconds_check CHECK (((misfire_grace_seconds >= 0) AND (misfire_grace_seconds <= 31536000))),
    CONSTRAINT schedules_misfire_limit_check CHECK (((misfire_limit >= 1) AND (misfire_limit <= 100000))),
    CONSTRAINT schedules_misfire_policy_check CHECK ((misfire_policy = ANY (ARRAY['once'::text, 'all'::text, 'skip'::text]))),
    CONSTRAINT schedules_name_check CHECK ((name <> ''::text)),
    CONSTRAINT schedules_overlap_policy_check CHECK ((overlap_policy = ANY (ARRAY['skip'::text, 'queue'::text, 'allow'::text, 'cancel_running'::text]))),
    CONSTRAINT schedules_priority_check CHECK (((priority >= 0) AND (priority <= 9))),
    CONSTRAINT schedules_queue_check CHECK ((queue = ANY (ARRAY['alerts'::text, 'reports'::text, 'ai'::text, 'calls'::text, 'default'::text]))),
    CONSTRAINT schedules_recur_one_way CHECK ((num_nonnulls(cron, interval_seconds, scheduled_at, recurrence) = 1)),
    CONSTRAINT schedules_recurrence_is_object CHECK ((jsonb_typeof(recurrence) = 'object'::text)),
    CONSTRAINT schedules_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT schedules_timeout_seconds_check CHECK (((timeout_seconds >= 1) AND (timeout_seconds <= 86400))),
    CONSTRAINT schedules_unknown_delivery_policy_check CHECK ((unknown_delivery_policy = ANY (ARRAY['resend'::text, 'hold'::text])))
)
WITH (fillfactor='80');

CREATE FUNCTION public.next_look(watched public.schedules) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE FUNCTION public.note_cancelled_crew() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into cancelled_crews (run_id, slot_at, tenant_id) values (new.id, new.slot_at, new.tenant_id)
    on conflict do nothing;
    return null;
end $$;

CREATE FUNCTION public.note_crew_matches() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into alert_events (
        tenant_id, response_id, crew_run_id, segment, slot_at, run_id, previous_state, state, value, reason
    )
    select
        m.tenant_id, m.id, r.parent_run_id, m.user_uid, m.slot_at, m.run_id, 'ok', 'firing',
        case when jsonb_typeof(m.matched) = 'number' then (m.matched #>> '{}')::numeric end,
        left(m.matched::text, 1000)
    from moved as m
    inner join runs as r on m.run_id = r.id and m.slot_at = r.slot_at
    where m.matched is not null
    on conflict do nothing;
    return null;
end $$;

CREATE FUNCTION public.overdue_slot(watched public.schedules, since timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE FUNCTION public.partitioned_tables() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    AS $$
    select array['runs', 'run_attempts', 'run_steps', 'run_logs', 'dead_letters', 'delivery_bodies', 'deliveries',
        'run_history', 'delivery_history', 'artifacts']
$$;

CREATE FUNCTION public.project_kpi_alert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.project_pulse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    pulse uuid := (to_jsonb(new) ->> 'schedule_id')::uuid;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'description', p.description, 'prompt', p.prompt,
        'recipients', case
            when p.recipients is not null or p.recipient_rules <> '[]'
                then to_jsonb(coalesce(p.recipients, '{}')) || p.recipient_rules
        end,
        'graphIds', p.graph_ids, 'onModelFailure', p.on_model_failure,
        'skipIfNothingNotable', p.skip_if_nothing_notable, 'attachment', p.attachment, 'testMode', p.test_mode,
        'templateId', p.template_id,
        'channels', (
            select jsonb_agg(jsonb_build_object('id', c.id, 'type', c.type) order by o.position)
            from pulse_channels as o inner join channels as c on c.tenant_id = o.tenant_id and c.id = o.channel_id
            where o.tenant_id = p.tenant_id and o.schedule_id = p.schedule_id
        )
    ))
    from pulse_configs as p
    where p.schedule_id = pulse and s.id = p.schedule_id;
    return null;
end $$;

CREATE FUNCTION public.project_scheduled_report() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'reportId', new.id, 'definitionId', new.report_definition_id, 'exportFormats', new.export_formats,
        'parameters', new.parameters, 'emailEnabled', new.email_enabled, 'emailRecipients', new.email_recipients,
        'emailCcRecipients', new.email_cc_recipients, 'emailBccRecipients', new.email_bcc_recipients,
        'emailSubject', new.email_subject, 'emailIncludeAttachment', new.email_include_attachment,
        'emailIncludePreview', new.email_include_preview, 'emailSendOnlyIfData', new.email_send_only_if_data,
        'templateId', new.template_id
    ))
    where s.id = new.schedule_id;
    return null;
end $$;

CREATE FUNCTION public.raise_alert_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.raise_crew_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.raise_delivered_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.raise_events(events public.event[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.raise_run_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.raise_schedule_event(tenant uuid, event text, data jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.raise_schedule_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    -- The same secrets under another key are no other definition.
    if current_setting('tocsin.rewrapping', true) = 'on' and to_jsonb(new) - 'params' = to_jsonb(old) - 'params' then
        return new;
    end if;
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end $$;

CREATE PROCEDURE public.raise_wall(IN wanted text)
    LANGUAGE plpgsql
    AS $$
declare
    wall walls;
    is_own text;
begin
    select * into strict wall from walls as w where w.name = wanted;
    if wall.tenant_column is not null then
        execute format('alter table %I enable row level security', wall.name);
        is_own := format('%I = (select nullif(current_setting(''tocsin.tenant'', true), '''')::uuid)', wall.tenant_column);
        execute format('drop policy if exists tenant_wall on %I', wall.name);
        execute format('create policy tenant_wall on %I to tocsin_api using (%s)', wall.name, is_own)
        -- Without a check a policy lets write what it lets see.
        || case when wall.tenant_column = 'tenant_id' then format(' with check (%s)', is_own) else '' end;
    end if;
    execute format('grant %s on %I to tocsin_api', wall.rights, wall.name);
end $$;

CREATE FUNCTION public.record_deleted_runs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into run_history (
        slot_at, run_id, move, state, fence, written_fence, attempt, leased_by, reason, available_at
    )
    select slot_at, id, 'delete', state, fence, written_fence, attempt, leased_by, reason, available_at from moved;
    return null;
end $$;

CREATE FUNCTION public.record_moved_deliveries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into delivery_history (
        slot_at, delivery_id, move, state, fence, written_fence, attempts, unknown_count, leased_by, handed_over_at,
        available_at
    )
    select
        slot_at, id, 'update', state, fence, written_fence, attempts, unknown_count, leased_by, handed_over_at, available_at
    from moved;
    return null;
end $$;

CREATE FUNCTION public.record_moved_runs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into run_history (
        slot_at, run_id, move, state, fence, written_fence, attempt, leased_by, reason, available_at
    )
    select slot_at, id, 'update', state, fence, written_fence, attempt, leased_by, reason, available_at from moved;
    return null;
end $$;

CREATE FUNCTION public.record_moved_schedules() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into schedule_history (schedule_id, version, status, plan_from, last_slot_at, next_fire_at)
    select id, version, status, plan_from, last_slot_at, next_fire_at from moved
    except
    select id, version, status, plan_from, last_slot_at, next_fire_at from was;
    return null;
end $$;

CREATE FUNCTION public.record_new_deliveries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into delivery_history (
        slot_at, delivery_id, move, state, fence, written_fence, attempts, unknown_count, leased_by, handed_over_at,
        available_at
    )
    select
        slot_at, id, 'insert', state, fence, written_fence, attempts, unknown_count, leased_by, handed_over_at, available_at
    from moved;
    return null;
end $$;

CREATE FUNCTION public.record_new_runs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into run_history (
        slot_at, run_id, move, state, fence, written_fence, attempt, leased_by, reason, available_at
    )
    select slot_at, id, 'insert', state, fence, written_fence, attempt, leased_by, reason, available_at from moved;
    return null;
end $$;

CREATE FUNCTION public.record_new_schedules() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
    insert into schedule_history (schedule_id, version, status, plan_from, last_slot_at, next_fire_at)
    select id, version, status, plan_from, last_slot_at, next_fire_at from moved;
    return null;
end $$;

CREATE FUNCTION public.refuse_slot_that_does_not_advance() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.refuse_to_rewrite_audit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'DELETE' and old.tenant_id::text = current_setting('tocsin.erasing', true) then
        return old;
    end if;
    raise exception '% is only added to', tg_table_name using errcode = 'TC006';
end $$;

CREATE FUNCTION public.refuse_to_rewrite_history() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is only added to', tg_table_name using errcode = 'TC006';
end $$;

CREATE FUNCTION public.rfc3339(instant timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select replace(to_char(instant at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')
$$;

CREATE FUNCTION public.succeeded_since(of_schedule uuid, slot timestamp with time zone, since timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select
        exists (select from schedules as s where s.id = of_schedule and s.last_run_at > since)
        or exists (
            select from runs as r
            where
                r.schedule_id = of_schedule and r.slot_at >= slot and r.origin in ('schedule', 'backfill')
                and r.state || '' = 'succeeded' and r.finished_at > since
        )
        or exists (
            select from runs as r
            where
                r.schedule_id = of_schedule and r.slot_at >= slot and r.origin not in ('schedule', 'backfill')
                and r.state || '' = 'succeeded' and r.finished_at > since
        )
$$;

CREATE FUNCTION public.tables_of_tenants() RETURNS TABLE(name text)
    LANGUAGE sql STABLE
    AS $$
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

CREATE FUNCTION public.take_api_role() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    if not exists (select from pg_roles where rolname = 'tocsin_api') then
        begin
            create role tocsin_api nologin;
        exception
            when insufficient_privilege then
                return false;
            when duplicate_object or unique_violation then
                null;  -- another database of this cluster made it
        end;
    end if;
    begin
        execute format('grant tocsin_api to %I', current_user);
    exception when insufficient_privilege then
        if not pg_has_role('tocsin_api', 'member') then
            return false;
        end if;
    end;
    grant usage on schema public to tocsin_api;
    grant execute on function make_partitions(timestamptz, timestamptz) to tocsin_api;
    return true;
end $$;

CREATE FUNCTION public.tell_of_circuit(tenant uuid, about uuid, endpoint uuid, is_open boolean, since timestamp with time zone, error text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    name text := (select e.name from crew_endpoints as e where e.tenant_id = tenant and e.id = endpoint);
begin
    perform tell_owner(
        tenant, about, null, null, null,
        'The crew endpoint ' || name || case when is_open then ' gives no answer' else ' answers again' end,
        case
            when is_open then 'The crew endpoint ' || name || ' gives no answer: ' || coalesce(error, 'its calls fail')
                || chr(10) || chr(10) || 'Its calls wait until it does: none of them is lost. None counts as an attempt '
                || 'for a day, or for ten minutes where others of the same slot were answered before. You are told when '
                || 'it answers again.'
            else 'The crew endpoint ' || name || ' gave no answer since ' || rfc3339(since)
                || ' and answers again. The calls that waited go on.'
        end
    );
    return true;
end $$;

CREATE FUNCTION public.tell_of_deaths() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    found_trouble record;
begin
    if not exists (select from deaths as d where d.schedule_id is not null and d.parent_run_id is null) then
        return null;
    end if;
    for found_trouble in
        with told as (
            insert into troubles as t (tenant_id, what, which, schedule_id, slot_at)
            select d.tenant_id, 'dead', '', d.schedule_id, max(d.slot_at) from deaths as d
            where d.schedule_id is not null and d.parent_run_id is null
            group by d.tenant_id, d.schedule_id
            -- In one order, so that two that write the same ones wait for each other and not in a ring.
            order by d.schedule_id
            on conflict (tenant_id, what, which, schedule_id) do update
            set
                slot_at = greatest(t.slot_at, excluded.slot_at),
                since = case when succeeded_since(t.schedule_id, t.slot_at, t.since) then now() else t.since end
            returning t.tenant_id, t.schedule_id, t.since = now() as is_new
        )
        select distinct on (told.schedule_id)
            told.tenant_id, told.schedule_id, s.name, d.id, d.run_id, d.slot_at, d.attempts, d.error, d.fence
        from told
        inner join schedules as s on s.tenant_id = told.tenant_id and s.id = told.schedule_id
        inner join deaths as d on d.schedule_id = told.schedule_id and d.parent_run_id is null
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

CREATE FUNCTION public.tell_of_undelivered() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.tell_of_unplanned() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.tell_owner(tenant uuid, about uuid, parent uuid, slot timestamp with time zone, key text, subject text, message text, more jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    at timestamptz := coalesce(slot, date_trunc('milliseconds', now()));
begin
    if not has_owner(tenant) then
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

CREATE TABLE public.runs (
    id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    schedule_id uuid,
    schedule_version integer,
    parent_run_id uuid,
    item_key text,
    kind text NOT NULL,
    queue text NOT NULL,
    origin text NOT NULL,
    triggered_by text,
    state text NOT NULL,
    reason text,
    fence bigint DEFAULT 0 NOT NULL,
    written_fence bigint,
    attempt integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 1 NOT NULL,
    available_at timestamp with time zone NOT NULL,
    released_at timestamp with time zone,
    leased_by uuid,
    deadline_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    skipped_until timestamp with time zone,
    skipped_count bigint,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    params jsonb,
    outcome jsonb,
    error text,
    progress jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    limited_by text[],
    keeps_place boolean DEFAULT false NOT NULL,
    first_started_at timestamp with time zone,
    CONSTRAINT runs_origin_check CHECK ((origin = ANY (ARRAY['schedule'::text, 'manual'::text, 'backfill'::text, 'child'::text, 'replay'::text, 'test'::text, 'system'::text]))),
    CONSTRAINT runs_released_unless_pending CHECK (
CASE
    WHEN (state = 'pending'::text) THEN (released_at IS NULL)
    WHEN (state = ANY (ARRAY['queued'::text, 'running'::text])) THEN (released_at IS NOT NULL)
    ELSE true
END),
    CONSTRAINT runs_slot_at_check CHECK ((slot_at = date_trunc('milliseconds'::text, slot_at))),
    CONSTRAINT runs_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'queued'::text, 'running'::text, 'succeeded'::text, 'dead'::text, 'cancelled'::text, 'skipped'::text])))
)
PARTITION BY RANGE (slot_at);

CREATE FUNCTION public.through_at(run public.runs) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
declare
    told record;
begin
    if run.state <> 'succeeded'
       or (run.kind like 'kpi.%' or run.kind = 'pulse.report')
       and run.outcome ->> 'outcome' in ('could_not_check', 'stale', 'no_recipients') then
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

CREATE FUNCTION public.told_of_run(told public.runs) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE FUNCTION public.warn_of_handover() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.watch_schedule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.deliver_within_seconds is null then
        delete from watches as w where w.tenant_id = new.tenant_id and w.schedule_id = new.id;
    else
        insert into watches as w (schedule_id, tenant_id) values (new.id, new.tenant_id)
        on conflict (schedule_id) do update set look_at = now();
    end if;
    return null;
end $$;

CREATE TABLE public.alert_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    alert_id uuid,
    segment text NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    previous_state text NOT NULL,
    state text NOT NULL,
    value numeric,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    response_id uuid,
    crew_run_id uuid,
    CONSTRAINT alert_events_move CHECK ((state <> previous_state)),
    CONSTRAINT alert_events_of_one CHECK ((num_nonnulls(alert_id, response_id) = 1)),
    CONSTRAINT alert_events_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'pending'::text, 'firing'::text, 'recovering'::text, 'no_data'::text, 'error'::text])))
);

CREATE TABLE public.alert_states (
    alert_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    segment text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    value numeric,
    since timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    memory jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT alert_states_memory_check CHECK ((jsonb_typeof(memory) = 'object'::text)),
    CONSTRAINT alert_states_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'pending'::text, 'firing'::text, 'recovering'::text, 'no_data'::text, 'error'::text])))
)
WITH (fillfactor='80');

CREATE TABLE public.api_tokens (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid,
    name text NOT NULL,
    scope text NOT NULL,
    hash bytea NOT NULL,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    member_id uuid,
    is_session boolean DEFAULT false NOT NULL,
    CONSTRAINT api_tokens_check CHECK (((tenant_id IS NULL) = (scope = 'operator'::text))),
    CONSTRAINT api_tokens_name_check CHECK ((name <> ''::text)),
    CONSTRAINT api_tokens_scope_check CHECK ((scope = ANY (ARRAY['read'::text, 'write'::text, 'admin'::text, 'operator'::text])))
);

CREATE TABLE public.artifacts (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    fence bigint NOT NULL,
    name text NOT NULL,
    format text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    key text NOT NULL,
    record_count bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT artifacts_content_type_check CHECK ((content_type ~ '^[a-z0-9.+-]{1,100}/[a-z0-9.+-]{1,100}(; charset=utf-8)?$'::text)),
    CONSTRAINT artifacts_format_check CHECK ((format ~ '^[a-z0-9.+-]{1,40}$'::text)),
    CONSTRAINT artifacts_key CHECK ((key ~ (((((((('^[0-9a-f-]{36}/'::text || tenant_id) || '/'::text) || run_id) || '/'::text) || fence) || '/'::text) || sha256) || '$'::text))),
    CONSTRAINT artifacts_name_check CHECK ((name ~ '^[^[:cntrl:]/\\]{1,200}$'::text)),
    CONSTRAINT artifacts_record_count_check CHECK ((record_count >= 0)),
    CONSTRAINT artifacts_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT artifacts_size_bytes_check CHECK ((size_bytes >= 0))
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.audit_heads (
    chain uuid NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE public.calendars (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    country text,
    subdivision text,
    own_days jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT calendars_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT calendars_name_check CHECK ((name <> ''::text)),
    CONSTRAINT calendars_own_days_check CHECK ((jsonb_typeof(own_days) = 'array'::text)),
    CONSTRAINT calendars_subdivision_of_country CHECK (((subdivision IS NULL) OR (country IS NOT NULL)))
);

CREATE TABLE public.cancelled_crews (
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL
);

CREATE TABLE public.channels (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    origin text NOT NULL,
    sealed_credential text NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT channels_name_check CHECK ((name <> ''::text)),
    CONSTRAINT channels_options_check CHECK ((jsonb_typeof(options) = 'object'::text)),
    CONSTRAINT channels_type_check CHECK ((type = ANY (ARRAY['slack'::text, 'teams'::text, 'discord'::text, 'telegram'::text, 'pagerduty'::text, 'opsgenie'::text, 'twilio'::text, 'alertmanager'::text])))
);

CREATE TABLE public.crew_endpoints (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    sealed_headers text,
    timeout_seconds double precision DEFAULT 60 NOT NULL,
    concurrency integer DEFAULT 20 NOT NULL,
    rate_per_minute integer,
    segments text[] DEFAULT '{}'::text[] NOT NULL,
    protocol text DEFAULT 'plain'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    is_from_setting boolean DEFAULT false NOT NULL,
    CONSTRAINT crew_endpoints_concurrency_check CHECK (((concurrency >= 1) AND (concurrency <= 100000))),
    CONSTRAINT crew_endpoints_name_check CHECK ((name <> ''::text)),
    CONSTRAINT crew_endpoints_protocol_check CHECK ((protocol = ANY (ARRAY['plain'::text, 'crewai'::text]))),
    CONSTRAINT crew_endpoints_rate_per_minute_check CHECK (((rate_per_minute >= 1) AND (rate_per_minute <= 1000000))),
    CONSTRAINT crew_endpoints_timeout_seconds_check CHECK (((timeout_seconds > (0)::double precision) AND (timeout_seconds <= (280)::double precision))),
    CONSTRAINT crew_endpoints_url_check CHECK ((url <> ''::text))
);

CREATE TABLE public.crew_responses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    user_uid text NOT NULL,
    request_context text,
    request_goal text,
    response_data jsonb,
    endpoint_id uuid,
    run_id uuid,
    slot_at timestamp with time zone,
    status text DEFAULT 'answered'::text NOT NULL,
    error text,
    excerpt text,
    matched jsonb,
    latency_ms integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    rule_error text,
    CONSTRAINT crew_responses_status_check CHECK ((status = ANY (ARRAY['answered'::text, 'failed'::text])))
);

CREATE TABLE public.dashboard_graphs (
    tenant_id uuid NOT NULL,
    dashboard_id uuid NOT NULL,
    "position" smallint NOT NULL,
    graph_id uuid NOT NULL,
    CONSTRAINT dashboard_graphs_position_check CHECK ((("position" >= 1) AND ("position" <= 50)))
);

CREATE TABLE public.dashboards (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dashboards_name_check CHECK ((name <> ''::text))
);

CREATE TABLE public.dead_letters (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    schedule_id uuid,
    kind text NOT NULL,
    cause text NOT NULL,
    error text,
    attempts integer NOT NULL,
    fence bigint NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    error_pattern text GENERATED ALWAYS AS (public.error_pattern(error)) STORED,
    parent_run_id uuid,
    item_key text,
    CONSTRAINT dead_letters_cause_check CHECK ((cause = ANY (ARRAY['rejected'::text, 'attempts_exhausted'::text, 'expired'::text]))),
    CONSTRAINT dead_letters_state_check CHECK ((state = ANY (ARRAY['open'::text, 'replayed'::text, 'discarded'::text])))
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.deliveries (
    id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    recipient_type text NOT NULL,
    body_number integer NOT NULL,
    state text NOT NULL,
    unknown_policy text DEFAULT 'resend'::text NOT NULL,
    fence bigint DEFAULT 0 NOT NULL,
    written_fence bigint,
    attempts integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 12 NOT NULL,
    unknown_count integer DEFAULT 0 NOT NULL,
    available_at timestamp with time zone DEFAULT now() NOT NULL,
    leased_by uuid,
    deadline_at timestamp with time zone,
    handed_over_at timestamp with time zone,
    provider_message_id text,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    resends integer DEFAULT 0 NOT NULL,
    CONSTRAINT deliveries_recipient_type_check CHECK ((recipient_type = ANY (ARRAY['to'::text, 'cc'::text, 'bcc'::text]))),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text, 'suppressed'::text, 'bounced'::text]))),
    CONSTRAINT deliveries_unknown_policy_check CHECK ((unknown_policy = ANY (ARRAY['resend'::text, 'hold'::text])))
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.delivery_bodies (
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    number integer NOT NULL,
    message_id text NOT NULL,
    content bytea NOT NULL
)
PARTITION BY RANGE (slot_at);

CREATE SEQUENCE public.history_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.delivery_history (
    seq bigint DEFAULT nextval('public.history_seq'::regclass) NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    delivery_id uuid NOT NULL,
    move text NOT NULL,
    state text NOT NULL,
    fence bigint NOT NULL,
    written_fence bigint,
    attempts integer NOT NULL,
    unknown_count integer NOT NULL,
    leased_by uuid,
    handed_over_at timestamp with time zone,
    available_at timestamp with time zone
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.graphs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    source_id uuid NOT NULL,
    query text NOT NULL,
    unit text DEFAULT ''::text NOT NULL,
    format text DEFAULT 'number'::text NOT NULL,
    decimals smallint,
    value_column text,
    time_dimension text,
    grain text,
    segment_by text[] DEFAULT '{}'::text[] NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    failing_since timestamp with time zone,
    last_error text,
    CONSTRAINT graphs_decimals_check CHECK (((decimals >= 0) AND (decimals <= 10))),
    CONSTRAINT graphs_format_check CHECK ((format = ANY (ARRAY['number'::text, 'percent'::text, 'duration'::text, 'bytes'::text]))),
    CONSTRAINT graphs_grain_check CHECK ((grain = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text, 'week'::text, 'month'::text, 'quarter'::text, 'year'::text]))),
    CONSTRAINT graphs_grain_of_time CHECK (((grain IS NULL) OR (time_dimension IS NOT NULL))),
    CONSTRAINT graphs_name_check CHECK ((name <> ''::text)),
    CONSTRAINT graphs_query_check CHECK ((query <> ''::text)),
    CONSTRAINT graphs_segment_by_check CHECK ((cardinality(segment_by) <= 5)),
    CONSTRAINT graphs_time_dimension_check CHECK ((time_dimension <> ''::text)),
    CONSTRAINT graphs_value_column_check CHECK ((value_column <> ''::text))
);

CREATE TABLE public.idempotent_answers (
    who text NOT NULL,
    key text NOT NULL,
    tenant_id uuid,
    request_hash bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.installation (
    is_only boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    fingerprint text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    adopted_at timestamp with time zone,
    CONSTRAINT installation_is_only_check CHECK (is_only)
);

CREATE TABLE public.kpi_alert_channels (
    tenant_id uuid NOT NULL,
    kpi_alert_id uuid NOT NULL,
    "position" smallint NOT NULL,
    channel_id uuid NOT NULL,
    CONSTRAINT kpi_alert_channels_position_check CHECK ((("position" >= 1) AND ("position" <= 20)))
);

CREATE TABLE public.kpi_alerts (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    alert_type text NOT NULL,
    alert_name text NOT NULL,
    recipients text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    graph_id uuid,
    dashboard_id uuid,
    description text DEFAULT ''::text NOT NULL,
    template_id uuid,
    template_purpose text GENERATED ALWAYS AS (('kpi.'::text || alert_type)) STORED,
    recipient_rules jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT kpi_alerts_alert_type_check CHECK ((alert_type = ANY (ARRAY['schedule'::text, 'threshold'::text]))),
    CONSTRAINT kpi_alerts_judge_a_graph CHECK (((alert_type = 'schedule'::text) OR (graph_id IS NOT NULL))),
    CONSTRAINT kpi_alerts_recipient_rules_check CHECK ((jsonb_typeof(recipient_rules) = 'array'::text)),
    CONSTRAINT kpi_alerts_show_one CHECK ((num_nonnulls(graph_id, dashboard_id) = 1))
);

CREATE TABLE public.kpi_schedules (
    kpi_alert_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    frequency_interval text,
    schedule_hour smallint,
    schedule_minute smallint,
    selected_days text[] DEFAULT '{}'::text[] NOT NULL,
    gating_condition jsonb,
    attachment_type text DEFAULT 'none'::text NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT kpi_schedules_attachment_type_check CHECK ((attachment_type = ANY (ARRAY['pdf'::text, 'excel'::text, 'csv'::text, 'json'::text, 'html'::text, 'png'::text, 'none'::text]))),
    CONSTRAINT kpi_schedules_frequency_interval_check CHECK ((frequency_interval = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text, 'week'::text, 'month'::text, 'quarter'::text, 'year'::text]))),
    CONSTRAINT kpi_schedules_gating_condition_check CHECK ((jsonb_typeof(gating_condition) = 'object'::text)),
    CONSTRAINT kpi_schedules_options_check CHECK ((jsonb_typeof(options) = 'object'::text)),
    CONSTRAINT kpi_schedules_schedule_hour_check CHECK (((schedule_hour >= 0) AND (schedule_hour <= 23))),
    CONSTRAINT kpi_schedules_schedule_minute_check CHECK (((schedule_minute >= 0) AND (schedule_minute <= 59)))
);

CREATE TABLE public.kpi_thresholds (
    kpi_alert_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    condition text NOT NULL,
    threshold_value numeric,
    threshold_high numeric,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT kpi_thresholds_condition_check CHECK ((condition = ANY (ARRAY['GREATER_THAN'::text, 'GREATER_THAN_OR_EQUAL'::text, 'LESS_THAN'::text, 'LESS_THAN_OR_EQUAL'::text, 'EQUAL'::text, 'NOT_EQUAL'::text, 'BETWEEN'::text, 'OUTSIDE'::text]))),
    CONSTRAINT kpi_thresholds_policy_check CHECK ((jsonb_typeof(policy) = 'object'::text)),
    CONSTRAINT kpi_thresholds_range CHECK (
CASE
    WHEN ((policy ->> 'measure'::text) = 'noData'::text) THEN (num_nonnulls(threshold_value, threshold_high) = 0)
    WHEN (threshold_value IS NULL) THEN false
    WHEN (COALESCE((policy ->> 'measure'::text), 'value'::text) = 'anomaly'::text) THEN (threshold_high IS NULL)
    WHEN (condition = ANY (ARRAY['BETWEEN'::text, 'OUTSIDE'::text])) THEN COALESCE((threshold_high >= threshold_value), false)
    ELSE (threshold_high IS NULL)
END)
);

CREATE TABLE public.limits (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    max_running integer,
    max_per_minute integer,
    spent_until timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    failed_in_row integer DEFAULT 0 NOT NULL,
    strain double precision DEFAULT 0 NOT NULL,
    open_since timestamp with time zone,
    open_until timestamp with time zone,
    probes integer DEFAULT 0 NOT NULL,
    told_at timestamp with time zone,
    is_told boolean DEFAULT false NOT NULL,
    retries_left double precision,
    retries_at timestamp with time zone,
    failing uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    strained_at timestamp with time zone,
    answered_at timestamp with time zone,
    CONSTRAINT limits_max_per_minute_check CHECK (((max_per_minute >= 1) AND (max_per_minute <= 1000000))),
    CONSTRAINT limits_max_running_check CHECK (((max_running >= 0) AND (max_running <= 1000000))),
    CONSTRAINT limits_name_check CHECK ((name ~ '^(tenant|(source|endpoint):[0-9a-f-]{36}|host:[^[:space:]]{1,255})$'::text)),
    CONSTRAINT limits_say_something CHECK ((num_nonnulls(max_running, max_per_minute) > 0))
)
WITH (fillfactor='50');

CREATE TABLE public.members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    subject text NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    name text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text, 'admin'::text])))
);

CREATE TABLE public.message_actions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    delivery_id uuid,
    run_id uuid,
    schedule_id uuid,
    alert_id uuid,
    segment text DEFAULT ''::text NOT NULL,
    action text NOT NULL,
    until timestamp with time zone,
    acted_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT message_actions_action_check CHECK ((action = ANY (ARRAY['acknowledge'::text, 'snooze'::text, 'unsubscribe'::text, 'not_useful'::text])))
);

CREATE TABLE public.model_usage (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    turns bigint DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    dollars numeric DEFAULT 0 NOT NULL
);

CREATE TABLE public.processes (
    id uuid NOT NULL,
    role text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    queues text[] DEFAULT '{}'::text[] NOT NULL,
    threads integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    lost_at timestamp with time zone,
    stopped_at timestamp with time zone,
    CONSTRAINT processes_role_check CHECK ((role = ANY (ARRAY['web'::text, 'ticker'::text, 'worker'::text])))
);

CREATE TABLE public.pulse_channels (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    "position" smallint NOT NULL,
    channel_id uuid NOT NULL,
    CONSTRAINT pulse_channels_position_check CHECK ((("position" >= 1) AND ("position" <= 20)))
);

CREATE TABLE public.pulse_configs (
    schedule_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    prompt text NOT NULL,
    recipients text[],
    graph_ids uuid[],
    on_model_failure text DEFAULT 'fallback'::text NOT NULL,
    skip_if_nothing_notable boolean DEFAULT false NOT NULL,
    attachment text DEFAULT 'none'::text NOT NULL,
    test_mode boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    recipient_rules jsonb DEFAULT '[]'::jsonb NOT NULL,
    names_zone boolean DEFAULT true NOT NULL,
    template_id uuid,
    template_purpose text GENERATED ALWAYS AS ('pulse.report'::text) STORED,
    CONSTRAINT pulse_configs_attachment_check CHECK ((attachment = ANY (ARRAY['none'::text, 'pdf'::text]))),
    CONSTRAINT pulse_configs_on_model_failure_check CHECK ((on_model_failure = ANY (ARRAY['fallback'::text, 'error'::text]))),
    CONSTRAINT pulse_configs_prompt_check CHECK ((prompt <> ''::text)),
    CONSTRAINT pulse_configs_recipient_rules_check CHECK ((jsonb_typeof(recipient_rules) = 'array'::text))
);

CREATE TABLE public.report_definition_versions (
    report_definition_id uuid NOT NULL,
    version integer NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    graph_id uuid,
    dashboard_id uuid,
    source_id uuid,
    query text,
    definition jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.report_definitions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    graph_id uuid,
    dashboard_id uuid,
    source_id uuid,
    query text,
    definition jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT report_definitions_ask_one CHECK (((num_nonnulls(graph_id, dashboard_id, source_id) = 1) AND ((source_id IS NULL) = (query IS NULL)))),
    CONSTRAINT report_definitions_definition_check CHECK ((jsonb_typeof(definition) = 'object'::text)),
    CONSTRAINT report_definitions_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$'::text)),
    CONSTRAINT report_definitions_query_check CHECK ((query <> ''::text))
);

CREATE TABLE public.scheduled_reports (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    report_definition_id uuid NOT NULL,
    export_formats text[] NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    email_enabled boolean DEFAULT false NOT NULL,
    email_recipients text[] DEFAULT '{}'::text[] NOT NULL,
    email_cc_recipients text[] DEFAULT '{}'::text[] NOT NULL,
    email_bcc_recipients text[] DEFAULT '{}'::text[] NOT NULL,
    email_subject text,
    email_include_attachment boolean DEFAULT true NOT NULL,
    email_include_preview boolean DEFAULT false NOT NULL,
    email_send_only_if_data boolean DEFAULT false NOT NULL,
    error_after smallint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    template_id uuid,
    template_purpose text GENERATED ALWAYS AS ('report.export'::text) STORED,
    CONSTRAINT scheduled_reports_email_subject_check CHECK ((email_subject <> ''::text)),
    CONSTRAINT scheduled_reports_error_after_check CHECK (((error_after >= 1) AND (error_after <= 100))),
    CONSTRAINT scheduled_reports_export_formats_check CHECK ((((cardinality(export_formats) >= 1) AND (cardinality(export_formats) <= 5)) AND (export_formats <@ ARRAY['pdf'::text, 'csv'::text, 'json'::text, 'excel'::text, 'html'::text]))),
    CONSTRAINT scheduled_reports_mail CHECK (((NOT email_enabled) OR (cardinality(email_recipients) > 0))),
    CONSTRAINT scheduled_reports_parameters_check CHECK ((jsonb_typeof(parameters) = 'object'::text))
);

CREATE VIEW public.report_executions WITH (security_invoker='true') AS
 SELECT r.id,
    r.slot_at,
    r.tenant_id,
    r.schedule_id,
    s.id AS scheduled_report_id,
        CASE r.state
            WHEN 'running'::text THEN 'PROCESSING'::text
            WHEN 'succeeded'::text THEN 'COMPLETED'::text
            WHEN 'dead'::text THEN 'FAILED'::text
            WHEN 'cancelled'::text THEN 'CANCELLED'::text
            WHEN 'skipped'::text THEN 'CANCELLED'::text
            ELSE 'PENDING'::text
        END AS status,
    COALESCE(r.triggered_by, 'system'::text) AS triggered_by,
    (r.origin <> 'schedule'::text) AS triggered_manually,
    r.slot_at AS scheduled_for,
    r.started_at,
    r.finished_at AS completed_at,
    (floor((EXTRACT(epoch FROM (r.finished_at - r.started_at)) * (1000)::numeric)))::bigint AS duration_ms,
    COALESCE(r.error, r.reason) AS error,
    GREATEST((r.attempt - 1), 0) AS retry_count,
        CASE
            WHEN (r.state = 'succeeded'::text) THEN 100
            ELSE (floor((COALESCE(((r.progress ->> 'fraction'::text))::numeric, (0)::numeric) * (100)::numeric)))::integer
        END AS progress,
    ((r.outcome ->> 'recordCount'::text))::bigint AS record_count,
    ((r.outcome ->> 'definitionVersion'::text))::integer AS definition_version,
    r.outcome,
    r.created_at
   FROM (public.runs r
     JOIN public.scheduled_reports s ON (((r.tenant_id = s.tenant_id) AND (r.schedule_id = s.schedule_id))));

CREATE TABLE public.run_attempts (
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    fence bigint NOT NULL,
    attempt integer NOT NULL,
    process_id uuid,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT now() NOT NULL,
    outcome text NOT NULL,
    error text,
    traceback text,
    CONSTRAINT run_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'later'::text, 'rejected'::text, 'raised'::text, 'expired'::text])))
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.run_history (
    seq bigint DEFAULT nextval('public.history_seq'::regclass) NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    move text NOT NULL,
    state text NOT NULL,
    fence bigint NOT NULL,
    written_fence bigint,
    attempt integer NOT NULL,
    leased_by uuid,
    reason text,
    available_at timestamp with time zone
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.run_logs (
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    fence bigint NOT NULL,
    message text NOT NULL,
    fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.run_steps (
    run_id uuid NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    fence bigint NOT NULL,
    result jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (slot_at);

CREATE TABLE public.schedule_gates (
    schedule_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    run_id uuid,
    run_slot_at timestamp with time zone,
    earlier_ids uuid[],
    earlier_slots timestamp with time zone[]
)
WITH (fillfactor='50');

CREATE TABLE public.schedule_history (
    seq bigint DEFAULT nextval('public.history_seq'::regclass) NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    schedule_id uuid NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    plan_from timestamp with time zone NOT NULL,
    last_slot_at timestamp with time zone,
    next_fire_at timestamp with time zone
);

CREATE TABLE public.schedule_versions (
    schedule_id uuid NOT NULL,
    version integer NOT NULL,
    tenant_id uuid NOT NULL,
    params jsonb NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    timeout_seconds integer NOT NULL,
    unknown_delivery_policy text NOT NULL,
    definition jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.sign_in_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    hash bytea NOT NULL,
    member_id uuid,
    scope text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_links_scope_check CHECK ((scope = ANY (ARRAY['read'::text, 'write'::text, 'admin'::text])))
);

CREATE TABLE public.silences (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    alert_id uuid,
    segment text DEFAULT '*'::text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    created_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT silences_last CHECK ((ends_at > starts_at)),
    CONSTRAINT silences_name_check CHECK ((name <> ''::text)),
    CONSTRAINT silences_segment_check CHECK ((segment <> ''::text))
);

CREATE UNLOGGED TABLE public.source_answers (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    key text NOT NULL,
    minute timestamp with time zone NOT NULL,
    state text DEFAULT 'asking'::text NOT NULL,
    flight uuid NOT NULL,
    process_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    answer text,
    CONSTRAINT source_answers_check CHECK (((state = 'answered'::text) = (answer IS NOT NULL))),
    CONSTRAINT source_answers_state_check CHECK ((state = ANY (ARRAY['asking'::text, 'answered'::text, 'failed'::text, 'too_large'::text])))
);

CREATE TABLE public.sources (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    url text NOT NULL,
    sealed_password text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    failing_since timestamp with time zone,
    last_error text,
    CONSTRAINT sources_name_check CHECK ((name <> ''::text)),
    CONSTRAINT sources_options_check CHECK ((jsonb_typeof(options) = 'object'::text)),
    CONSTRAINT sources_type_check CHECK ((type = ANY (ARRAY['postgres'::text, 'cube'::text, 'prometheus'::text, 'http'::text, 'duckdb'::text])))
);

CREATE TABLE public.suppressions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    recipient text NOT NULL,
    schedule_id uuid,
    reason text NOT NULL,
    source text NOT NULL,
    note text,
    run_id uuid,
    delivery_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT suppressions_reason_check CHECK ((reason = ANY (ARRAY['bounce'::text, 'complaint'::text, 'unsubscribe'::text, 'manual'::text]))),
    CONSTRAINT suppressions_recipient_check CHECK (((recipient = lower(recipient)) AND (recipient <> ''::text)))
);

CREATE TABLE public.templates (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL,
    subject text,
    body_text text,
    body_html text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT templates_body_html_check CHECK ((body_html <> ''::text)),
    CONSTRAINT templates_body_text_check CHECK ((body_text <> ''::text)),
    CONSTRAINT templates_name_check CHECK ((name <> ''::text)),
    CONSTRAINT templates_purpose_check CHECK ((purpose <> ''::text)),
    CONSTRAINT templates_subject_check CHECK ((subject <> ''::text))
);

CREATE TABLE public.tenants (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenants_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text)),
    CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);

CREATE TABLE public.troubles (
    tenant_id uuid NOT NULL,
    what text NOT NULL,
    which text NOT NULL,
    schedule_id uuid NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    slot_at timestamp with time zone NOT NULL,
    CONSTRAINT troubles_what_check CHECK ((what = ANY (ARRAY['dead'::text, 'undelivered'::text, 'template'::text, 'crew'::text])))
);

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    uid text NOT NULL,
    context text,
    goal text,
    segment text,
    priority smallint DEFAULT 5 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_priority_check CHECK (((priority >= 0) AND (priority <= 9))),
    CONSTRAINT users_uid_check CHECK (((uid <> ''::text) AND (length(uid) <= 255)))
);

CREATE TABLE public.walls (
    name text NOT NULL,
    tenant_column text,
    rights text NOT NULL
);

CREATE TABLE public.watches (
    schedule_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    look_at timestamp with time zone DEFAULT now() NOT NULL,
    late_since timestamp with time zone,
    late_slot_at timestamp with time zone,
    CONSTRAINT watches_late_for_a_slot CHECK (((late_since IS NULL) = (late_slot_at IS NULL)))
);

CREATE TABLE public.webhooks (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    origin text NOT NULL,
    sealed_url text NOT NULL,
    events text[] NOT NULL,
    sealed_secret text NOT NULL,
    old_secret_until timestamp with time zone,
    status text DEFAULT 'active'::text NOT NULL,
    disabled_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhooks_check CHECK (((status = 'disabled'::text) = (disabled_reason IS NOT NULL))),
    CONSTRAINT webhooks_events_check CHECK (((cardinality(events) > 0) AND (events <@ ARRAY['run.succeeded'::text, 'run.dead'::text, 'run.delivered'::text, 'alert.firing'::text, 'alert.resolved'::text, 'schedule.late'::text, 'schedule.arrived'::text, 'crew.answered'::text, 'crew.matched'::text]))),
    CONSTRAINT webhooks_name_check CHECK ((name <> ''::text)),
    CONSTRAINT webhooks_status_check CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text])))
);

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_alert_id_segment_slot_at_key UNIQUE (alert_id, segment, slot_at);

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_states
    ADD CONSTRAINT alert_states_pkey PRIMARY KEY (alert_id, segment);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id, slot_at);

ALTER TABLE ONLY public.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (chain);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (chain, number);

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.cancelled_crews
    ADD CONSTRAINT cancelled_crews_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.crew_endpoints
    ADD CONSTRAINT crew_endpoints_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.crew_endpoints
    ADD CONSTRAINT crew_endpoints_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.crew_endpoints
    ADD CONSTRAINT crew_endpoints_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.crew_responses
    ADD CONSTRAINT crew_responses_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.crew_responses
    ADD CONSTRAINT crew_responses_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.dashboard_graphs
    ADD CONSTRAINT dashboard_graphs_dashboard_id_graph_id_key UNIQUE (dashboard_id, graph_id) DEFERRABLE;

ALTER TABLE ONLY public.dashboard_graphs
    ADD CONSTRAINT dashboard_graphs_pkey PRIMARY KEY (dashboard_id, "position");

ALTER TABLE ONLY public.dashboards
    ADD CONSTRAINT dashboards_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.dashboards
    ADD CONSTRAINT dashboards_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.dashboards
    ADD CONSTRAINT dashboards_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id, slot_at);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id, slot_at);

ALTER TABLE ONLY public.delivery_bodies
    ADD CONSTRAINT delivery_bodies_pkey PRIMARY KEY (run_id, number, slot_at);

ALTER TABLE ONLY public.graphs
    ADD CONSTRAINT graphs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.graphs
    ADD CONSTRAINT graphs_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.graphs
    ADD CONSTRAINT graphs_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.idempotent_answers
    ADD CONSTRAINT idempotent_answers_pkey PRIMARY KEY (who, key);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY public.kpi_alert_channels
    ADD CONSTRAINT kpi_alert_channels_kpi_alert_id_channel_id_key UNIQUE (kpi_alert_id, channel_id) DEFERRABLE;

ALTER TABLE ONLY public.kpi_alert_channels
    ADD CONSTRAINT kpi_alert_channels_pkey PRIMARY KEY (kpi_alert_id, "position");

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_schedule_id_key UNIQUE (schedule_id);

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.kpi_schedules
    ADD CONSTRAINT kpi_schedules_pkey PRIMARY KEY (kpi_alert_id);

ALTER TABLE ONLY public.kpi_thresholds
    ADD CONSTRAINT kpi_thresholds_pkey PRIMARY KEY (kpi_alert_id);

ALTER TABLE ONLY public.limits
    ADD CONSTRAINT limits_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.limits
    ADD CONSTRAINT limits_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.limits
    ADD CONSTRAINT limits_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_tenant_id_subject_key UNIQUE (tenant_id, subject);

ALTER TABLE ONLY public.message_actions
    ADD CONSTRAINT message_actions_once UNIQUE (tenant_id, delivery_id, action);

ALTER TABLE ONLY public.message_actions
    ADD CONSTRAINT message_actions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.message_actions
    ADD CONSTRAINT message_actions_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.model_usage
    ADD CONSTRAINT model_usage_pkey PRIMARY KEY (tenant_id, day);

ALTER TABLE ONLY public.processes
    ADD CONSTRAINT processes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pulse_channels
    ADD CONSTRAINT pulse_channels_pkey PRIMARY KEY (schedule_id, "position");

ALTER TABLE ONLY public.pulse_channels
    ADD CONSTRAINT pulse_channels_schedule_id_channel_id_key UNIQUE (schedule_id, channel_id) DEFERRABLE;

ALTER TABLE ONLY public.pulse_configs
    ADD CONSTRAINT pulse_configs_of_tenant UNIQUE (tenant_id, schedule_id);

ALTER TABLE ONLY public.pulse_configs
    ADD CONSTRAINT pulse_configs_pkey PRIMARY KEY (schedule_id);

ALTER TABLE ONLY public.report_definition_versions
    ADD CONSTRAINT report_definition_versions_pkey PRIMARY KEY (report_definition_id, version);

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.run_attempts
    ADD CONSTRAINT run_attempts_pkey PRIMARY KEY (run_id, fence, slot_at);

ALTER TABLE ONLY public.run_logs
    ADD CONSTRAINT run_logs_pkey PRIMARY KEY (run_id, id, slot_at);

ALTER TABLE ONLY public.run_steps
    ADD CONSTRAINT run_steps_pkey PRIMARY KEY (run_id, name, slot_at);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id, slot_at);

ALTER TABLE ONLY public.schedule_gates
    ADD CONSTRAINT schedule_gates_pkey PRIMARY KEY (schedule_id);

ALTER TABLE ONLY public.schedule_versions
    ADD CONSTRAINT schedule_versions_pkey PRIMARY KEY (schedule_id, version);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_schedule_id_key UNIQUE (schedule_id);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.source_answers
    ADD CONSTRAINT source_answers_pkey PRIMARY KEY (tenant_id, source_id, key, minute);

ALTER TABLE ONLY public.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sources
    ADD CONSTRAINT sources_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.sources
    ADD CONSTRAINT sources_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_one_per_scope UNIQUE NULLS NOT DISTINCT (tenant_id, recipient, schedule_id);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.templates
    ADD CONSTRAINT templates_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.templates
    ADD CONSTRAINT templates_tenant_id_id_purpose_key UNIQUE (tenant_id, id, purpose);

ALTER TABLE ONLY public.templates
    ADD CONSTRAINT templates_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.troubles
    ADD CONSTRAINT troubles_pkey PRIMARY KEY (tenant_id, what, which, schedule_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (tenant_id, uid);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.walls
    ADD CONSTRAINT walls_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.watches
    ADD CONSTRAINT watches_pkey PRIMARY KEY (schedule_id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_tenant_id_id_key UNIQUE (tenant_id, id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_tenant_id_name_key UNIQUE (tenant_id, name);

CREATE INDEX alert_events_listed ON public.alert_events USING btree (tenant_id, slot_at DESC, id DESC);

CREATE INDEX alert_events_of_alert ON public.alert_events USING btree (tenant_id, alert_id, slot_at DESC, id DESC);

CREATE INDEX alert_events_of_crew ON public.alert_events USING btree (tenant_id, crew_run_id, segment) WHERE (crew_run_id IS NOT NULL);

CREATE INDEX alert_events_of_run ON public.alert_events USING btree (tenant_id, run_id);

CREATE UNIQUE INDEX alert_events_one_per_response ON public.alert_events USING btree (tenant_id, response_id) WHERE (response_id IS NOT NULL);

CREATE INDEX api_tokens_of_tenant ON public.api_tokens USING btree (tenant_id, created_at, id);

CREATE UNIQUE INDEX artifacts_one_per_name ON ONLY public.artifacts USING btree (run_id, name, slot_at);

CREATE INDEX audit_log_of_person ON public.audit_log USING btree (chain, who, number DESC);

CREATE INDEX audit_log_of_stacks ON public.audit_log USING btree (chain, subject_id, number DESC) WHERE (subject_type = 'stack'::text);

CREATE INDEX audit_log_of_subject ON public.audit_log USING btree (chain, subject_id, number DESC);

CREATE INDEX crew_responses_by_age ON public.crew_responses USING btree (created_at);

CREATE INDEX crew_responses_listed ON public.crew_responses USING btree (tenant_id, created_at DESC, id DESC);

CREATE INDEX crew_responses_of_user ON public.crew_responses USING btree (tenant_id, user_uid, created_at DESC, id DESC);

CREATE UNIQUE INDEX crew_responses_one_per_run ON public.crew_responses USING btree (run_id) WHERE (run_id IS NOT NULL);

CREATE INDEX dashboard_graphs_of_graph ON public.dashboard_graphs USING btree (tenant_id, graph_id);

CREATE INDEX dead_letters_alike ON ONLY public.dead_letters USING btree (tenant_id, error_pattern, created_at) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX dead_letters_one_per_death ON ONLY public.dead_letters USING btree (run_id, fence, slot_at);

CREATE INDEX dead_letters_open ON ONLY public.dead_letters USING btree (tenant_id, created_at) WHERE (state = 'open'::text);

CREATE INDEX deliveries_made ON ONLY public.deliveries USING btree (tenant_id, created_at, id);

CREATE INDEX deliveries_of_channel ON ONLY public.deliveries USING btree (tenant_id, recipient, slot_at) WHERE (channel <> 'email'::text);

CREATE INDEX deliveries_of_provider ON ONLY public.deliveries USING btree (provider_message_id) WHERE (provider_message_id IS NOT NULL);

CREATE INDEX deliveries_of_tenant ON ONLY public.deliveries USING btree (tenant_id, slot_at, id);

CREATE UNIQUE INDEX deliveries_one_per_recipient ON ONLY public.deliveries USING btree (run_id, channel, recipient, slot_at);

CREATE INDEX deliveries_pending ON ONLY public.deliveries USING btree (available_at, id) WHERE (state = 'pending'::text);

CREATE INDEX deliveries_sending ON ONLY public.deliveries USING btree (leased_by, id) WHERE (state = 'sending'::text);

CREATE INDEX graphs_of_source ON public.graphs USING btree (tenant_id, source_id);

CREATE INDEX idempotent_answers_by_age ON public.idempotent_answers USING btree (created_at);

CREATE INDEX kpi_alert_channels_of_channel ON public.kpi_alert_channels USING btree (tenant_id, channel_id);

CREATE INDEX kpi_alerts_of_graph ON public.kpi_alerts USING btree (tenant_id, graph_id);

CREATE INDEX kpi_alerts_of_template ON public.kpi_alerts USING btree (tenant_id, template_id);

CREATE INDEX limits_open ON public.limits USING btree (open_since) WHERE (open_since IS NOT NULL);

CREATE INDEX members_by_email ON public.members USING btree (lower(email));

CREATE INDEX members_by_subject ON public.members USING btree (subject);

CREATE INDEX members_of_tenant ON public.members USING btree (tenant_id, created_at, id);

CREATE INDEX message_actions_of_alert ON public.message_actions USING btree (tenant_id, alert_id, created_at) WHERE (alert_id IS NOT NULL);

CREATE INDEX processes_live ON public.processes USING btree (leased_until) WHERE ((lost_at IS NULL) AND (stopped_at IS NULL));

CREATE INDEX pulse_channels_of_channel ON public.pulse_channels USING btree (tenant_id, channel_id);

CREATE INDEX pulse_configs_of_template ON public.pulse_configs USING btree (tenant_id, template_id);

CREATE INDEX report_definitions_of_dashboard ON public.report_definitions USING btree (tenant_id, dashboard_id);

CREATE INDEX report_definitions_of_graph ON public.report_definitions USING btree (tenant_id, graph_id);

CREATE INDEX report_definitions_of_source ON public.report_definitions USING btree (tenant_id, source_id);

CREATE INDEX runs_cancel_asked ON ONLY public.runs USING btree (id) WHERE ((cancel_requested_at IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX runs_finished ON ONLY public.runs USING btree (finished_at) WHERE ((finished_at IS NOT NULL) AND (schedule_id IS NOT NULL));

CREATE INDEX runs_held_back ON ONLY public.runs USING btree (tenant_id, queue, limited_by, available_at, id) WHERE ((released_at IS NULL) AND (finished_at IS NULL) AND (limited_by IS NOT NULL));

CREATE INDEX runs_keeping_place ON ONLY public.runs USING btree (tenant_id, queue, limited_by, available_at, id) WHERE (keeps_place AND (released_at IS NULL) AND (finished_at IS NULL));

CREATE INDEX runs_of_tenant ON ONLY public.runs USING btree (tenant_id, slot_at, id);

CREATE INDEX runs_on_demand ON ONLY public.runs USING btree (schedule_id, slot_at) WHERE (origin <> ALL (ARRAY['schedule'::text, 'backfill'::text]));

CREATE UNIQUE INDEX runs_one_per_item ON ONLY public.runs USING btree (parent_run_id, item_key, slot_at) WHERE (parent_run_id IS NOT NULL);

CREATE UNIQUE INDEX runs_one_per_slot ON ONLY public.runs USING btree (schedule_id, slot_at, ((skipped_until IS NOT NULL))) WHERE (origin = ANY (ARRAY['schedule'::text, 'backfill'::text]));

CREATE INDEX runs_pending ON ONLY public.runs USING btree (available_at, id) WHERE ((released_at IS NULL) AND (finished_at IS NULL) AND (limited_by IS NULL));

CREATE INDEX runs_released ON ONLY public.runs USING btree (queue, released_at, id) WHERE ((released_at IS NOT NULL) AND (finished_at IS NULL));

CREATE INDEX runs_under_limits ON ONLY public.runs USING btree (tenant_id, limited_by) WHERE ((released_at IS NOT NULL) AND (finished_at IS NULL) AND (limited_by IS NOT NULL));

CREATE INDEX runs_waiting ON ONLY public.runs USING btree (schedule_id, slot_at) WHERE ((available_at = 'infinity'::timestamp with time zone) AND (finished_at IS NULL));

CREATE INDEX schedule_gates_held ON public.schedule_gates USING btree (run_id) WHERE (run_id IS NOT NULL);

CREATE INDEX schedule_versions_sealed ON public.schedule_versions USING btree (schedule_id, version) WHERE ((params)::text ~~ '%"sealed:%'::text);

CREATE INDEX scheduled_reports_of_definition ON public.scheduled_reports USING btree (tenant_id, report_definition_id);

CREATE INDEX scheduled_reports_of_template ON public.scheduled_reports USING btree (tenant_id, template_id);

CREATE INDEX schedules_due ON public.schedules USING btree (next_fire_at, id) WHERE ((status = 'active'::text) AND (next_fire_at IS NOT NULL));

CREATE INDEX schedules_ending ON public.schedules USING btree (id) WHERE ((status = 'active'::text) AND (next_fire_at IS NULL));

CREATE INDEX schedules_next_of_tenant ON public.schedules USING btree (tenant_id, next_fire_at, id) WHERE ((status = 'active'::text) AND (next_fire_at IS NOT NULL));

CREATE INDEX schedules_of_calendar ON public.schedules USING btree (tenant_id, calendar_id) WHERE (calendar_id IS NOT NULL);

CREATE INDEX schedules_of_tenant ON public.schedules USING btree (tenant_id, created_at, id);

CREATE INDEX sign_in_links_by_age ON public.sign_in_links USING btree (tenant_id, expires_at);

CREATE INDEX silences_by_end ON public.silences USING btree (tenant_id, ends_at);

CREATE INDEX source_answers_by_age ON public.source_answers USING btree (minute);

CREATE INDEX users_listed ON public.users USING btree (tenant_id, created_at DESC, id DESC);

CREATE INDEX users_to_ask ON public.users USING btree (tenant_id, priority, uid) WHERE active;

CREATE INDEX watches_late ON public.watches USING btree (late_since) WHERE (late_since IS NOT NULL);

CREATE INDEX watches_to_judge ON public.watches USING btree (look_at);

CREATE INDEX webhooks_active ON public.webhooks USING btree (tenant_id) WHERE (status = 'active'::text);

CREATE TRIGGER alert_states_raise_change AFTER UPDATE ON public.alert_states FOR EACH ROW WHEN ((((new.state = 'firing'::text) AND (NOT public.alarms(old.state, old.memory))) OR (public.alarms(old.state, old.memory) AND (NOT public.alarms(new.state, new.memory))))) EXECUTE FUNCTION public.raise_alert_event();

CREATE TRIGGER alert_states_raise_firing AFTER INSERT ON public.alert_states FOR EACH ROW WHEN ((new.state = 'firing'::text)) EXECUTE FUNCTION public.raise_alert_event();

CREATE TRIGGER audit_log_chain BEFORE INSERT ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.chain_audit();

CREATE TRIGGER audit_log_is_kept BEFORE DELETE OR UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.refuse_to_rewrite_audit();

CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_rewrite_history();

CREATE TRIGGER crew_endpoints_limit AFTER INSERT OR DELETE OR UPDATE ON public.crew_endpoints FOR EACH ROW EXECUTE FUNCTION public.limit_endpoint();

CREATE TRIGGER crew_responses_note_changed AFTER UPDATE ON public.crew_responses REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.note_crew_matches();

CREATE TRIGGER crew_responses_note_new AFTER INSERT ON public.crew_responses REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.note_crew_matches();

CREATE TRIGGER crew_responses_raise_changed AFTER UPDATE ON public.crew_responses REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.raise_crew_events();

CREATE TRIGGER crew_responses_raise_new AFTER INSERT ON public.crew_responses REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.raise_crew_events();

CREATE TRIGGER dead_letters_name_maker BEFORE INSERT ON public.dead_letters FOR EACH ROW WHEN ((new.schedule_id IS NULL)) EXECUTE FUNCTION public.name_maker();

CREATE TRIGGER dead_letters_tell_owner AFTER INSERT ON public.dead_letters REFERENCING NEW TABLE AS deaths FOR EACH STATEMENT EXECUTE FUNCTION public.tell_of_deaths();

CREATE TRIGGER deliveries_end_trouble AFTER UPDATE ON public.deliveries FOR EACH ROW WHEN (((new.state = 'sent'::text) AND (old.state <> 'sent'::text))) EXECUTE FUNCTION public.end_undelivered();

CREATE TRIGGER deliveries_guard BEFORE UPDATE ON public.deliveries FOR EACH ROW EXECUTE FUNCTION public.guard_delivery();

CREATE TRIGGER deliveries_raise_event AFTER UPDATE ON public.deliveries FOR EACH ROW WHEN (((new.state = 'sent'::text) AND (old.state <> 'sent'::text))) EXECUTE FUNCTION public.raise_delivered_event();

CREATE TRIGGER deliveries_record_moved AFTER UPDATE ON public.deliveries REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_moved_deliveries();

CREATE TRIGGER deliveries_record_new AFTER INSERT ON public.deliveries REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_new_deliveries();

CREATE TRIGGER deliveries_tell_owner AFTER UPDATE ON public.deliveries FOR EACH ROW WHEN (((new.state = ANY (ARRAY['failed'::text, 'bounced'::text])) AND (old.state <> new.state))) EXECUTE FUNCTION public.tell_of_undelivered();

CREATE TRIGGER delivery_history_is_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.delivery_history FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_rewrite_history();

CREATE TRIGGER kpi_alert_channels_project AFTER INSERT OR UPDATE ON public.kpi_alert_channels FOR EACH ROW EXECUTE FUNCTION public.project_kpi_alert();

CREATE TRIGGER kpi_alerts_project AFTER INSERT OR UPDATE ON public.kpi_alerts FOR EACH ROW EXECUTE FUNCTION public.project_kpi_alert();

CREATE CONSTRAINT TRIGGER kpi_alerts_whole AFTER INSERT OR UPDATE ON public.kpi_alerts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_alert_whole();

CREATE TRIGGER kpi_schedules_project AFTER INSERT OR UPDATE ON public.kpi_schedules FOR EACH ROW EXECUTE FUNCTION public.project_kpi_alert();

CREATE CONSTRAINT TRIGGER kpi_schedules_whole AFTER INSERT OR DELETE OR UPDATE ON public.kpi_schedules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_alert_whole();

CREATE TRIGGER kpi_thresholds_project AFTER INSERT OR UPDATE ON public.kpi_thresholds FOR EACH ROW EXECUTE FUNCTION public.project_kpi_alert();

CREATE CONSTRAINT TRIGGER kpi_thresholds_whole AFTER INSERT OR DELETE OR UPDATE ON public.kpi_thresholds DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_alert_whole();

CREATE TRIGGER members_warn_when_deleted AFTER DELETE ON public.members FOR EACH ROW WHEN ((old.disabled_at IS NULL)) EXECUTE FUNCTION public.warn_of_handover();

CREATE TRIGGER members_warn_when_disabled AFTER UPDATE OF disabled_at ON public.members FOR EACH ROW WHEN (((new.disabled_at IS NOT NULL) AND (old.disabled_at IS NULL))) EXECUTE FUNCTION public.warn_of_handover();

CREATE TRIGGER pulse_channels_project AFTER INSERT OR UPDATE ON public.pulse_channels FOR EACH ROW EXECUTE FUNCTION public.project_pulse();

CREATE TRIGGER pulse_configs_project AFTER INSERT OR UPDATE ON public.pulse_configs FOR EACH ROW EXECUTE FUNCTION public.project_pulse();

CREATE CONSTRAINT TRIGGER pulse_configs_whole AFTER INSERT OR DELETE OR UPDATE ON public.pulse_configs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_pulse_whole();

CREATE TRIGGER report_definitions_keep_version AFTER INSERT OR UPDATE ON public.report_definitions FOR EACH ROW EXECUTE FUNCTION public.keep_report_definition();

CREATE TRIGGER run_history_is_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.run_history FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_rewrite_history();

CREATE TRIGGER runs_begin_open BEFORE INSERT ON public.runs FOR EACH ROW WHEN (((new.state <> ALL (ARRAY['pending'::text, 'queued'::text, 'skipped'::text])) OR (new.attempt <> 0))) EXECUTE FUNCTION public.guard_new_run();

CREATE TRIGGER runs_guard BEFORE UPDATE ON public.runs FOR EACH ROW EXECUTE FUNCTION public.guard_run();

CREATE TRIGGER runs_note_cancelled_crew AFTER UPDATE ON public.runs FOR EACH ROW WHEN (((new.state = 'cancelled'::text) AND (old.state <> 'cancelled'::text) AND (new.kind = 'crew.call'::text))) EXECUTE FUNCTION public.note_cancelled_crew();

CREATE TRIGGER runs_raise_events AFTER UPDATE ON public.runs REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.raise_run_events();

CREATE TRIGGER runs_record_deleted AFTER DELETE ON public.runs REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_deleted_runs();

CREATE TRIGGER runs_record_moved AFTER UPDATE ON public.runs REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_moved_runs();

CREATE TRIGGER runs_record_new AFTER INSERT ON public.runs REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_new_runs();

CREATE TRIGGER schedule_history_is_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.schedule_history FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_rewrite_history();

CREATE TRIGGER scheduled_reports_project AFTER INSERT OR UPDATE ON public.scheduled_reports FOR EACH ROW EXECUTE FUNCTION public.project_scheduled_report();

CREATE CONSTRAINT TRIGGER scheduled_reports_whole AFTER INSERT OR DELETE OR UPDATE ON public.scheduled_reports DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_report_whole();

CREATE CONSTRAINT TRIGGER schedules_begin_as_pulse AFTER INSERT ON public.schedules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = 'pulse.report'::text)) EXECUTE FUNCTION public.check_pulse_whole();

CREATE TRIGGER schedules_keep_version AFTER INSERT OR UPDATE OF kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, recurrence, timezone, dst_gap, dst_fold, starts_at, ends_at, misfire_policy, misfire_grace_seconds, misfire_limit, overlap_policy, jitter_seconds, max_runs, max_attempts, backoff, timeout_seconds, unknown_delivery_policy, queue, plan_from ON public.schedules FOR EACH ROW EXECUTE FUNCTION public.keep_schedule_version();

CREATE TRIGGER schedules_monotone_slot BEFORE UPDATE OF last_slot_at, run_count ON public.schedules FOR EACH ROW EXECUTE FUNCTION public.refuse_slot_that_does_not_advance();

CREATE TRIGGER schedules_raise_version BEFORE UPDATE OF kind, name, params, cron, interval_seconds, interval_anchor, scheduled_at, recurrence, timezone, dst_gap, dst_fold, starts_at, ends_at, misfire_policy, misfire_grace_seconds, misfire_limit, overlap_policy, jitter_seconds, max_runs, max_attempts, backoff, timeout_seconds, unknown_delivery_policy, queue, plan_from ON public.schedules FOR EACH ROW EXECUTE FUNCTION public.raise_schedule_version();

CREATE TRIGGER schedules_record_moved AFTER UPDATE ON public.schedules REFERENCING OLD TABLE AS was NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_moved_schedules();

CREATE TRIGGER schedules_record_new AFTER INSERT ON public.schedules REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.record_new_schedules();

CREATE CONSTRAINT TRIGGER schedules_report_whole AFTER INSERT OR UPDATE OF kind, status ON public.schedules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = 'report.export'::text)) EXECUTE FUNCTION public.check_report_whole();

CREATE CONSTRAINT TRIGGER schedules_stay_a_pulse AFTER UPDATE OF kind ON public.schedules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind <> old.kind)) EXECUTE FUNCTION public.check_pulse_whole();

CREATE TRIGGER schedules_tell_owner AFTER UPDATE OF last_error ON public.schedules FOR EACH ROW WHEN (((new.last_error IS NOT NULL) AND ((old.last_error IS NULL) OR ((new.status = 'failed'::text) AND (old.status <> 'failed'::text))))) EXECUTE FUNCTION public.tell_of_unplanned();

CREATE TRIGGER schedules_watch_changed AFTER UPDATE OF deliver_within_seconds, status, plan_from ON public.schedules FOR EACH ROW WHEN ((num_nonnulls(new.deliver_within_seconds, old.deliver_within_seconds) > 0)) EXECUTE FUNCTION public.watch_schedule();

CREATE TRIGGER schedules_watch_new AFTER INSERT ON public.schedules FOR EACH ROW WHEN ((new.deliver_within_seconds IS NOT NULL)) EXECUTE FUNCTION public.watch_schedule();

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_response FOREIGN KEY (tenant_id, response_id) REFERENCES public.crew_responses(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_tenant_id_alert_id_fkey FOREIGN KEY (tenant_id, alert_id) REFERENCES public.kpi_alerts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_states
    ADD CONSTRAINT alert_states_tenant_id_alert_id_fkey FOREIGN KEY (tenant_id, alert_id) REFERENCES public.kpi_alerts(tenant_id, id);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.crew_endpoints
    ADD CONSTRAINT crew_endpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.crew_responses
    ADD CONSTRAINT crew_responses_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.crew_responses
    ADD CONSTRAINT crew_responses_tenant_id_user_uid_fkey FOREIGN KEY (tenant_id, user_uid) REFERENCES public.users(tenant_id, uid) ON DELETE CASCADE;

ALTER TABLE ONLY public.dashboard_graphs
    ADD CONSTRAINT dashboard_graphs_tenant_id_dashboard_id_fkey FOREIGN KEY (tenant_id, dashboard_id) REFERENCES public.dashboards(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dashboard_graphs
    ADD CONSTRAINT dashboard_graphs_tenant_id_graph_id_fkey FOREIGN KEY (tenant_id, graph_id) REFERENCES public.graphs(tenant_id, id);

ALTER TABLE ONLY public.dashboards
    ADD CONSTRAINT dashboards_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.graphs
    ADD CONSTRAINT graphs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.graphs
    ADD CONSTRAINT graphs_tenant_id_source_id_fkey FOREIGN KEY (tenant_id, source_id) REFERENCES public.sources(tenant_id, id);

ALTER TABLE ONLY public.idempotent_answers
    ADD CONSTRAINT idempotent_answers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.kpi_alert_channels
    ADD CONSTRAINT kpi_alert_channels_tenant_id_channel_id_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id);

ALTER TABLE ONLY public.kpi_alert_channels
    ADD CONSTRAINT kpi_alert_channels_tenant_id_kpi_alert_id_fkey FOREIGN KEY (tenant_id, kpi_alert_id) REFERENCES public.kpi_alerts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_dashboard FOREIGN KEY (tenant_id, dashboard_id) REFERENCES public.dashboards(tenant_id, id);

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_graph FOREIGN KEY (tenant_id, graph_id) REFERENCES public.graphs(tenant_id, id);

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_template FOREIGN KEY (tenant_id, template_id, template_purpose) REFERENCES public.templates(tenant_id, id, purpose);

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.kpi_alerts
    ADD CONSTRAINT kpi_alerts_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.kpi_schedules
    ADD CONSTRAINT kpi_schedules_tenant_id_kpi_alert_id_fkey FOREIGN KEY (tenant_id, kpi_alert_id) REFERENCES public.kpi_alerts(tenant_id, id);

ALTER TABLE ONLY public.kpi_thresholds
    ADD CONSTRAINT kpi_thresholds_tenant_id_kpi_alert_id_fkey FOREIGN KEY (tenant_id, kpi_alert_id) REFERENCES public.kpi_alerts(tenant_id, id);

ALTER TABLE ONLY public.limits
    ADD CONSTRAINT limits_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.message_actions
    ADD CONSTRAINT message_actions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.model_usage
    ADD CONSTRAINT model_usage_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.pulse_channels
    ADD CONSTRAINT pulse_channels_tenant_id_channel_id_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id);

ALTER TABLE ONLY public.pulse_channels
    ADD CONSTRAINT pulse_channels_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.pulse_configs(tenant_id, schedule_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.pulse_configs
    ADD CONSTRAINT pulse_configs_template FOREIGN KEY (tenant_id, template_id, template_purpose) REFERENCES public.templates(tenant_id, id, purpose);

ALTER TABLE ONLY public.pulse_configs
    ADD CONSTRAINT pulse_configs_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.report_definition_versions
    ADD CONSTRAINT report_definition_versions_tenant_id_report_definition_id_fkey FOREIGN KEY (tenant_id, report_definition_id) REFERENCES public.report_definitions(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_tenant_id_dashboard_id_fkey FOREIGN KEY (tenant_id, dashboard_id) REFERENCES public.dashboards(tenant_id, id);

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_tenant_id_graph_id_fkey FOREIGN KEY (tenant_id, graph_id) REFERENCES public.graphs(tenant_id, id);

ALTER TABLE ONLY public.report_definitions
    ADD CONSTRAINT report_definitions_tenant_id_source_id_fkey FOREIGN KEY (tenant_id, source_id) REFERENCES public.sources(tenant_id, id);

ALTER TABLE ONLY public.schedule_gates
    ADD CONSTRAINT schedule_gates_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.schedule_versions
    ADD CONSTRAINT schedule_versions_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_template FOREIGN KEY (tenant_id, template_id, template_purpose) REFERENCES public.templates(tenant_id, id, purpose);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_tenant_id_report_definition_id_fkey FOREIGN KEY (tenant_id, report_definition_id) REFERENCES public.report_definitions(tenant_id, id);

ALTER TABLE ONLY public.scheduled_reports
    ADD CONSTRAINT scheduled_reports_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_calendar FOREIGN KEY (tenant_id, calendar_id) REFERENCES public.calendars(tenant_id, id);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_tenant_id_member_id_fkey FOREIGN KEY (tenant_id, member_id) REFERENCES public.members(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_tenant_id_alert_id_fkey FOREIGN KEY (tenant_id, alert_id) REFERENCES public.kpi_alerts(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.source_answers
    ADD CONSTRAINT source_answers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.source_answers
    ADD CONSTRAINT source_answers_tenant_id_source_id_fkey FOREIGN KEY (tenant_id, source_id) REFERENCES public.sources(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sources
    ADD CONSTRAINT sources_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_schedule FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.templates
    ADD CONSTRAINT templates_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.watches
    ADD CONSTRAINT watches_tenant_id_schedule_id_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES public.schedules(tenant_id, id);

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE public.alert_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_states ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.artifacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.calendars ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cancelled_crews ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.crew_endpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.crew_responses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dashboard_graphs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dashboards ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dead_letters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.delivery_bodies ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.graphs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotent_answers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kpi_alert_channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kpi_alerts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kpi_schedules ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kpi_thresholds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.limits ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_actions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.model_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.pulse_channels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.pulse_configs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.report_definition_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.report_definitions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_logs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.run_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_gates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.scheduled_reports ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedules ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sign_in_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.silences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.source_answers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sources ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.suppressions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.templates ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_wall ON public.alert_events TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.alert_states TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.api_tokens TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.artifacts TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.audit_log TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.calendars TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.cancelled_crews TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.channels TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.crew_endpoints TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.crew_responses TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.dashboard_graphs TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.dashboards TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.dead_letters TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.deliveries TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.delivery_bodies TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.graphs TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.idempotent_answers TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.kpi_alert_channels TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.kpi_alerts TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.kpi_schedules TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.kpi_thresholds TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.limits TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.members TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.message_actions TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.model_usage TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.pulse_channels TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.pulse_configs TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.report_definition_versions TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.report_definitions TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.run_attempts TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.run_logs TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.run_steps TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.runs TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.schedule_gates TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.schedule_versions TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.scheduled_reports TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.schedules TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.sign_in_links TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.silences TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.source_answers TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.sources TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.suppressions TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.templates TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.tenants TO tocsin_api USING ((id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.troubles TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.users TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.watches TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY tenant_wall ON public.webhooks TO tocsin_api USING ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('tocsin.tenant'::text, true), ''::text))::uuid AS "nullif")));

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.troubles ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.watches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhooks ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO tocsin_api;

GRANT SELECT,INSERT ON TABLE public.audit_log TO tocsin_api;

REVOKE ALL ON FUNCTION public.erase_tenant(erased uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.export_tenant(wanted uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.make_partitions(first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_partitions(first_at timestamp with time zone, last_at timestamp with time zone) TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedules TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.runs TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alert_events TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alert_states TO tocsin_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.api_tokens TO tocsin_api;

GRANT SELECT ON TABLE public.artifacts TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.calendars TO tocsin_api;

GRANT SELECT,INSERT,DELETE ON TABLE public.cancelled_crews TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channels TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.crew_endpoints TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.crew_responses TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dashboard_graphs TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dashboards TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.dead_letters TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.deliveries TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.delivery_bodies TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.graphs TO tocsin_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.idempotent_answers TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kpi_alert_channels TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kpi_alerts TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kpi_schedules TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kpi_thresholds TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.limits TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.members TO tocsin_api;

GRANT SELECT,INSERT ON TABLE public.message_actions TO tocsin_api;

GRANT SELECT ON TABLE public.model_usage TO tocsin_api;

GRANT SELECT ON TABLE public.processes TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pulse_channels TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pulse_configs TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.report_definition_versions TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.report_definitions TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scheduled_reports TO tocsin_api;

GRANT SELECT ON TABLE public.report_executions TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_attempts TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_logs TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_steps TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedule_gates TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedule_versions TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sign_in_links TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.silences TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.source_answers TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sources TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.suppressions TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.templates TO tocsin_api;

GRANT SELECT ON TABLE public.tenants TO tocsin_api;

GRANT UPDATE(name) ON TABLE public.tenants TO tocsin_api;

GRANT UPDATE(settings) ON TABLE public.tenants TO tocsin_api;

GRANT UPDATE(updated_at) ON TABLE public.tenants TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.troubles TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.watches TO tocsin_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhooks TO tocsin_api;
