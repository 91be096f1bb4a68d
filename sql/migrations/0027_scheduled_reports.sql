-- Exported reports: what a report is (its definition, in versions), when it is made, who gets it, and its executions.

create table report_definitions (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    -- What a scheduled report's reportType names.
    name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$'),
    description text not null default '',
    -- What is asked: a graph, a dashboard, or a query of its own on a source.
    graph_id uuid,
    dashboard_id uuid,
    source_id uuid,
    query text check (query <> ''),
    -- Its parameters, columns, chart and words.
    definition jsonb not null default '{}' check (jsonb_typeof(definition) = 'object'),
    version integer not null default 1,
    created_by text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name),
    foreign key (tenant_id, graph_id) references graphs (tenant_id, id),
    foreign key (tenant_id, dashboard_id) references dashboards (tenant_id, id),
    foreign key (tenant_id, source_id) references sources (tenant_id, id),
    constraint report_definitions_ask_one check (
        num_nonnulls(graph_id, dashboard_id, source_id) = 1 and (source_id is null) = (query is null)
    )
);

create index report_definitions_of_graph on report_definitions (tenant_id, graph_id);
create index report_definitions_of_dashboard on report_definitions (tenant_id, dashboard_id);
create index report_definitions_of_source on report_definitions (tenant_id, source_id);

call build_wall('report_definitions', 'select, insert, update, delete');

-- What each version of a definition said: an execution says which one it ran.
create table report_definition_versions (
    report_definition_id uuid not null,
    version integer not null,
    tenant_id uuid not null,
    name text not null,
    graph_id uuid,
    dashboard_id uuid,
    source_id uuid,
    query text,
    definition jsonb not null,
    created_at timestamptz not null default now(),
    primary key (report_definition_id, version),
    foreign key (tenant_id, report_definition_id) references report_definitions (tenant_id, id) on delete cascade
);

call build_wall('report_definition_versions', 'select, insert, update, delete');

create function keep_report_definition() returns trigger language plpgsql as $$
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

create trigger report_definitions_keep_version after insert or update on report_definitions
for each row execute function keep_report_definition();

-- 1:1 with its schedule, which alone says when, in which status and under which name.
create table scheduled_reports (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    schedule_id uuid not null unique,
    description text not null default '',
    report_definition_id uuid not null,
    export_formats text[] not null check (
        cardinality(export_formats) between 1 and 5
        and export_formats <@ array['pdf', 'csv', 'json', 'excel', 'html']
    ),
    parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
    email_enabled boolean not null default false,
    email_recipients text[] not null default '{}',
    email_cc_recipients text[] not null default '{}',
    email_bcc_recipients text[] not null default '{}',
    email_subject text check (email_subject <> ''),
    email_include_attachment boolean not null default true,
    email_include_preview boolean not null default false,
    email_send_only_if_data boolean not null default false,
    -- So many runs in a row that died make its schedule `failed`; null: never.
    error_after smallint check (error_after between 1 and 100),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id),
    foreign key (tenant_id, report_definition_id) references report_definitions (tenant_id, id),
    constraint scheduled_reports_mail check (not email_enabled or cardinality(email_recipients) > 0)
);

create index scheduled_reports_of_definition on scheduled_reports (tenant_id, report_definition_id);

call build_wall('scheduled_reports', 'select, insert, update, delete');

-- schedules.params is the projection that runs read and versions keep.
create function project_scheduled_report() returns trigger language plpgsql as $$
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'reportId', new.id, 'definitionId', new.report_definition_id, 'exportFormats', new.export_formats,
        'parameters', new.parameters, 'emailEnabled', new.email_enabled, 'emailRecipients', new.email_recipients,
        'emailCcRecipients', new.email_cc_recipients, 'emailBccRecipients', new.email_bcc_recipients,
        'emailSubject', new.email_subject, 'emailIncludeAttachment', new.email_include_attachment,
        'emailIncludePreview', new.email_include_preview, 'emailSendOnlyIfData', new.email_send_only_if_data
    ))
    where s.id = new.schedule_id;
    return null;
end $$;

create trigger scheduled_reports_project after insert or update on scheduled_reports
for each row execute function project_scheduled_report();

-- A schedule of this kind has its report, and a report a schedule of this kind, whoever writes: looked at when the
-- transaction ends, for the rows come one after the other.
create function check_report_whole() returns trigger language plpgsql as $$
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

create constraint trigger scheduled_reports_whole after insert or update or delete on scheduled_reports
deferrable initially deferred for each row execute function check_report_whole();
create constraint trigger schedules_report_whole after insert or update of kind, status on schedules
deferrable initially deferred for each row
when (new.kind = 'report.export') execute function check_report_whole();

-- The executions of reports are their runs, under the names that reports have for them.
create view report_executions with (security_invoker = true) as
select
    r.id, r.slot_at, r.tenant_id, r.schedule_id, s.id as scheduled_report_id,
    case r.state
        when 'running' then 'PROCESSING'
        when 'succeeded' then 'COMPLETED'
        when 'dead' then 'FAILED'
        when 'cancelled' then 'CANCELLED'
        when 'skipped' then 'CANCELLED'
        else 'PENDING'
    end as status,
    coalesce(r.triggered_by, 'system') as triggered_by,
    r.origin <> 'schedule' as triggered_manually,
    r.slot_at as scheduled_for, r.started_at, r.finished_at as completed_at,
    floor(extract(epoch from r.finished_at - r.started_at) * 1000)::bigint as duration_ms,
    coalesce(r.error, r.reason) as error,
    greatest(r.attempt - 1, 0) as retry_count,
    case
        when r.state = 'succeeded' then 100
        else floor(coalesce((r.progress ->> 'fraction')::numeric, 0) * 100)::int
    end as progress,
    (r.outcome ->> 'recordCount')::bigint as record_count,
    (r.outcome ->> 'definitionVersion')::int as definition_version,
    r.outcome, r.created_at
from runs as r
inner join scheduled_reports as s on r.tenant_id = s.tenant_id and r.schedule_id = s.schedule_id;

-- It shows what its reader may see, by the walls of its tables: of its own it needs the right to be read alone.
insert into walls (name, tenant_column, rights) values ('report_executions', null, 'select');
do $$
begin
    if exists (select from pg_roles where rolname = 'tocsin_api') then
        call raise_wall('report_executions');
    end if;
end $$;
