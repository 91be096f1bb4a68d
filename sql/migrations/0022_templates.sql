-- Templates: how a tenant words its messages. What a template leaves out is worded as Tocsin does.

create table templates (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    -- What its messages are of, which says what it may speak of; it never changes.
    purpose text not null check (purpose <> ''),
    subject text check (subject <> ''),
    body_text text check (body_text <> ''),
    body_html text check (body_html <> ''),
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id, purpose),
    unique (tenant_id, name)
);

call build_wall('templates', 'select, insert, update, delete');

-- An alert names a template of its own purpose: the database refuses any other.
alter table kpi_alerts
add column template_id uuid,
-- No release has this table yet, so nobody waits for it.
-- squawk-ignore adding-field-with-default
add column template_purpose text generated always as ('kpi.' || alert_type) stored,
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint kpi_alerts_template foreign key (tenant_id, template_id, template_purpose)
references templates (tenant_id, id, purpose);

-- squawk-ignore require-concurrent-index-creation
create index kpi_alerts_of_template on kpi_alerts (tenant_id, template_id);

create or replace function project_kpi_alert() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(new) ->> 'id')::uuid
                       else (to_jsonb(new) ->> 'kpi_alert_id')::uuid end;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'alertId', a.id, 'alertName', a.alert_name, 'recipients', a.recipients, 'graphId', a.graph_id,
        'templateId', a.template_id,
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
