-- Sources that are queried, and threshold alerts.

create table sources (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    type text not null check (type in ('postgres')),
    -- The address without its password; the password is sealed apart.
    url text not null,
    sealed_password text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name)
);

create table kpi_alerts (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    schedule_id uuid not null unique,
    alert_type text not null check (alert_type in ('schedule', 'threshold')),
    alert_name text not null,
    recipients text[] not null check (cardinality(recipients) > 0),
    source_id uuid not null,
    query text not null,
    unit text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id),
    foreign key (tenant_id, source_id) references sources (tenant_id, id)
);

create table kpi_thresholds (
    kpi_alert_id uuid primary key,
    tenant_id uuid not null,
    condition text not null check (
        condition in (
            'GREATER_THAN', 'GREATER_THAN_OR_EQUAL', 'LESS_THAN', 'LESS_THAN_OR_EQUAL', 'EQUAL', 'NOT_EQUAL',
            'BETWEEN', 'OUTSIDE'
        )
    ),
    threshold_value numeric not null,
    threshold_high numeric,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (tenant_id, kpi_alert_id) references kpi_alerts (tenant_id, id),
    constraint kpi_thresholds_range check (
        (condition in ('BETWEEN', 'OUTSIDE')) = (threshold_high is not null) and threshold_high >= threshold_value
        or condition not in ('BETWEEN', 'OUTSIDE') and threshold_high is null
    )
);

-- The state of an alert, written in the statement that ends the run which found it. segment '' is the whole.
create table alert_states (
    alert_id uuid not null,
    tenant_id uuid not null,
    segment text not null default '',
    state text not null check (state in ('ok', 'firing', 'no_data', 'error')),
    value numeric,
    since timestamptz not null,
    run_id uuid not null,
    slot_at timestamptz not null,
    updated_at timestamptz not null default now(),
    primary key (alert_id, segment),
    foreign key (tenant_id, alert_id) references kpi_alerts (tenant_id, id)
) with (fillfactor = 80);

-- kpi_alerts and kpi_thresholds hold what is theirs; schedules.params is the projection that runs read and versions
-- keep, made here so that every writer keeps it true.
create function project_kpi_alert() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(new) ->> 'id')::uuid
                       else (to_jsonb(new) ->> 'kpi_alert_id')::uuid end;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'alertId', a.id, 'alertName', a.alert_name, 'recipients', a.recipients, 'source', a.source_id::text,
        'query', a.query, 'unit', a.unit, 'condition', t.condition, 'thresholdValue', t.threshold_value::text,
        'thresholdHigh', t.threshold_high::text
    ))
    from kpi_alerts as a inner join kpi_thresholds as t on t.kpi_alert_id = a.id
    where a.id = alert and s.id = a.schedule_id;
    return null;
end $$;

create trigger kpi_alerts_project after insert or update on kpi_alerts
for each row execute function project_kpi_alert();
create trigger kpi_thresholds_project after insert or update on kpi_thresholds
for each row execute function project_kpi_alert();
