-- Alerts judge graphs: their whole policy, what each of their segments remembers, every move of a state, and silences.

alter table kpi_alerts
add column graph_id uuid,
add column dashboard_id uuid,
add column description text not null default '';

create or replace function project_kpi_alert() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(new) ->> 'id')::uuid
                       else (to_jsonb(new) ->> 'kpi_alert_id')::uuid end;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'alertId', a.id, 'alertName', a.alert_name, 'recipients', a.recipients, 'graphId', a.graph_id,
        'condition', t.condition, 'thresholdValue', t.threshold_value::text, 'thresholdHigh', t.threshold_high::text
    )) || t.policy
    from kpi_alerts as a inner join kpi_thresholds as t on t.kpi_alert_id = a.id
    where a.id = alert and s.id = a.schedule_id;
    return null;
end $$;

-- All of the policy that has no column of its own: measure, baseline, further conditions, guards, notices.
alter table kpi_thresholds
add column policy jsonb not null default '{}' check (jsonb_typeof(policy) = 'object');

-- Each alert that was there gets a graph of what it asked.
insert into graphs (id, tenant_id, name, source_id, query, unit)
select a.id, a.tenant_id, left(a.alert_name, 190) || ' ' || left(a.id::text, 8), a.source_id, a.query, a.unit
from kpi_alerts as a;
update kpi_alerts set graph_id = id where graph_id is null;

-- No release has these tables yet, so nobody reads the columns that go and nobody waits for the checks.
alter table kpi_alerts
-- squawk-ignore ban-drop-column
drop column source_id,
-- squawk-ignore ban-drop-column
drop column query,
-- squawk-ignore ban-drop-column
drop column unit,
-- squawk-ignore constraint-missing-not-valid
add constraint kpi_alerts_show_one check (num_nonnulls(graph_id, dashboard_id) = 1),
-- squawk-ignore constraint-missing-not-valid
add constraint kpi_alerts_judge_a_graph check (alert_type = 'schedule' or graph_id is not null),
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint kpi_alerts_graph foreign key (tenant_id, graph_id) references graphs (tenant_id, id),
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint kpi_alerts_dashboard foreign key (tenant_id, dashboard_id) references dashboards (tenant_id, id);

-- squawk-ignore require-concurrent-index-creation
create index kpi_alerts_of_graph on kpi_alerts (tenant_id, graph_id);

alter table kpi_thresholds
-- squawk-ignore ban-drop-not-null
alter column threshold_value drop not null,
-- squawk-ignore ban-drop-constraint
drop constraint kpi_thresholds_range,
-- squawk-ignore constraint-missing-not-valid
add constraint kpi_thresholds_range check (
    case
        when policy ->> 'measure' = 'noData' then num_nonnulls(threshold_value, threshold_high) = 0
        when threshold_value is null then false
        when coalesce(policy ->> 'measure', 'value') = 'anomaly' then threshold_high is null
        when condition in ('BETWEEN', 'OUTSIDE') then coalesce(threshold_high >= threshold_value, false)
        else threshold_high is null
    end
);

-- An alert has exactly the child of its type, and its schedule the kind of it, whoever writes: looked at when the
-- transaction ends, for the rows come one after the other.
create function check_alert_whole() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(coalesce(new, old)) ->> 'id')::uuid
                       else (to_jsonb(coalesce(new, old)) ->> 'kpi_alert_id')::uuid end;
    whole record;
begin
    select
        a.alert_type, s.kind, exists (select from kpi_thresholds as t where t.kpi_alert_id = a.id) as has_threshold
    into whole
    from kpi_alerts as a inner join schedules as s on s.id = a.schedule_id
    where a.id = alert;
    if found and (
        whole.kind <> 'kpi.' || whole.alert_type or whole.has_threshold <> (whole.alert_type = 'threshold')
    ) then
        raise exception 'the alert % is a % and lacks its child, has another one, or a schedule of kind %',
            alert, whole.alert_type, whole.kind using errcode = 'TC007';
    end if;
    return null;
end $$;

create constraint trigger kpi_alerts_whole after insert or update on kpi_alerts
deferrable initially deferred for each row execute function check_alert_whole();
create constraint trigger kpi_thresholds_whole after insert or update or delete on kpi_thresholds
deferrable initially deferred for each row execute function check_alert_whole();

-- What a segment remembers from one check to the next; state, value and since are said once more for readers.
alter table alert_states
add column memory jsonb not null default '{}' check (jsonb_typeof(memory) = 'object'),
-- squawk-ignore ban-drop-constraint
drop constraint alert_states_state_check,
-- squawk-ignore constraint-missing-not-valid
add constraint alert_states_state_check check (
    state in ('ok', 'pending', 'firing', 'recovering', 'no_data', 'error')
);

-- Every move of a segment's state, with the run that found it. One run moves a segment once.
create table alert_events (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null,
    alert_id uuid not null,
    segment text not null,
    slot_at timestamptz not null,
    run_id uuid not null,
    previous_state text not null,
    state text not null check (state in ('ok', 'pending', 'firing', 'recovering', 'no_data', 'error')),
    value numeric,
    reason text not null,
    created_at timestamptz not null default now(),
    unique (alert_id, segment, slot_at),
    foreign key (tenant_id, alert_id) references kpi_alerts (tenant_id, id) on delete cascade,
    constraint alert_events_move check (state <> previous_state)
);

create index alert_events_of_alert on alert_events (tenant_id, alert_id, created_at desc, id desc);

call build_wall('alert_events', 'select, insert, update, delete');

-- Spans in which nobody is told, of one alert or of all, of the segments that match: begun at once, or planned.
create table silences (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    alert_id uuid,
    -- May hold * and ?.
    segment text not null default '*' check (segment <> ''),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    created_by text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    foreign key (tenant_id, alert_id) references kpi_alerts (tenant_id, id) on delete cascade,
    constraint silences_last check (ends_at > starts_at)
);

create index silences_by_end on silences (tenant_id, ends_at);

call build_wall('silences', 'select, insert, update, delete');

-- A webhook hears of a firing, and of its end once it recovered for good. Beneath `no_data` and `error` an alarm lasts;
-- what it is then, the memory says.
create function alarms(state text, memory jsonb) returns boolean immutable language sql
return coalesce(memory ->> 'alarm', state) in ('firing', 'recovering');

drop trigger alert_states_raise_firing on alert_states;
create trigger alert_states_raise_firing after insert on alert_states for each row
when (new.state = 'firing') execute function raise_alert_event();
drop trigger alert_states_raise_change on alert_states;
create trigger alert_states_raise_change after update on alert_states for each row
when (
    new.state = 'firing' and not alarms(old.state, old.memory)
    or alarms(old.state, old.memory) and not alarms(new.state, new.memory)
)
execute function raise_alert_event();

-- Since when a source is away for the alerts that ask it, and a graph is refused by it; the admins were told then.
alter table sources
add column failing_since timestamptz,
add column last_error text;

alter table graphs
add column failing_since timestamptz,
add column last_error text;
