-- Channels: where a tenant is told beside mail, in chat, by a pager or by a webhook; and the alerts that tell them.

create table channels (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    type text not null check (
        type in ('slack', 'teams', 'discord', 'telegram', 'pagerduty', 'opsgenie', 'twilio', 'alertmanager')
    ),
    -- Scheme, host and port of where it is called: all that may be shown of it.
    origin text not null,
    -- The webhook's address, the token or the key.
    sealed_credential text not null,
    options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name)
);

call build_wall('channels', 'select, insert, update, delete');

create table kpi_alert_channels (
    tenant_id uuid not null,
    kpi_alert_id uuid not null,
    position smallint not null check (position between 1 and 20),
    channel_id uuid not null,
    primary key (kpi_alert_id, position),
    -- Deferrable: two channels may change places in one statement.
    unique (kpi_alert_id, channel_id) deferrable,
    foreign key (tenant_id, kpi_alert_id) references kpi_alerts (tenant_id, id) on delete cascade,
    foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);

create index kpi_alert_channels_of_channel on kpi_alert_channels (tenant_id, channel_id);

call build_wall('kpi_alert_channels', 'select, insert, update, delete');

-- An alert may tell channels alone. That it tells somebody is looked at when it is saved.
alter table kpi_alerts
-- squawk-ignore ban-drop-constraint
drop constraint kpi_alerts_recipients_check;

-- What a channel was told before: whether an earlier message is still on its way, and which began a thread.
-- No release writes such deliveries yet, so nobody waits for the index.
-- squawk-ignore require-concurrent-index-creation
create index deliveries_of_channel on deliveries (tenant_id, recipient, slot_at) where channel <> 'email';

-- A channel's type never changes, so the run that tells it knows both, and tells it even if it is gone by then.
create or replace function project_kpi_alert() returns trigger language plpgsql as $$
declare
    alert uuid := case when tg_table_name = 'kpi_alerts' then (to_jsonb(new) ->> 'id')::uuid
                       else (to_jsonb(new) ->> 'kpi_alert_id')::uuid end;
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'alertId', a.id, 'alertName', a.alert_name, 'recipients', a.recipients, 'graphId', a.graph_id,
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

create trigger kpi_alert_channels_project after insert or update on kpi_alert_channels
for each row execute function project_kpi_alert();
