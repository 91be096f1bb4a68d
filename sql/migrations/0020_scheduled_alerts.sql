-- Scheduled alerts: a dashboard or a graph, sent as a report when its time has come, if its gate lets it.

create table kpi_schedules (
    kpi_alert_id uuid primary key,
    tenant_id uuid not null,
    -- As somebody gave it; when it fires is the schedule's own. Null: it fires by a cron expression.
    frequency_interval text check (
        frequency_interval in ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year')
    ),
    schedule_hour smallint check (schedule_hour between 0 and 23),
    schedule_minute smallint check (schedule_minute between 0 and 59),
    selected_days text[] not null default '{}',
    gating_condition jsonb check (jsonb_typeof(gating_condition) = 'object'),
    attachment_type text not null default 'none' check (
        attachment_type in ('pdf', 'excel', 'csv', 'json', 'html', 'png', 'none')
    ),
    -- The rest of what it says: freshness, contexts, how many periods are shown.
    options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (tenant_id, kpi_alert_id) references kpi_alerts (tenant_id, id)
);

call build_wall('kpi_schedules', 'select, insert, update, delete');

create or replace function project_kpi_alert() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(new) ->> 'id')::uuid
                       else (to_jsonb(new) ->> 'kpi_alert_id')::uuid end;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'alertId', a.id, 'alertName', a.alert_name, 'recipients', a.recipients, 'graphId', a.graph_id
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

create trigger kpi_schedules_project after insert or update on kpi_schedules
for each row execute function project_kpi_alert();

create or replace function check_alert_whole() returns trigger language plpgsql as $$
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

create constraint trigger kpi_schedules_whole after insert or update or delete on kpi_schedules
deferrable initially deferred for each row execute function check_alert_whole();
