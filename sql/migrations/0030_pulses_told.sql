-- Pulses tell channels and found recipients in a tenant's words, as alerts do; and what a tenant spends on models has a
-- limit.

alter table pulse_configs
-- squawk-ignore adding-field-with-default, constraint-missing-not-valid
add column recipient_rules jsonb not null default '[]' check (jsonb_typeof(recipient_rules) = 'array'),
-- Whether its zone was given; of one that names none the schedule has UTC.
-- squawk-ignore adding-field-with-default
add column names_zone boolean not null default true,
add column template_id uuid,
-- squawk-ignore adding-field-with-default
add column template_purpose text generated always as ('pulse.report') stored,
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint pulse_configs_template foreign key (tenant_id, template_id, template_purpose)
references templates (tenant_id, id, purpose),
-- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
add constraint pulse_configs_of_tenant unique (tenant_id, schedule_id);

update pulse_configs as p set names_zone = false
from schedules as s
where s.tenant_id = p.tenant_id and s.id = p.schedule_id and s.timezone = 'UTC';

-- squawk-ignore require-concurrent-index-creation
create index pulse_configs_of_template on pulse_configs (tenant_id, template_id);

create table pulse_channels (
    tenant_id uuid not null,
    schedule_id uuid not null,
    position smallint not null check (position between 1 and 20),
    channel_id uuid not null,
    primary key (schedule_id, position),
    -- Deferrable: two channels may change places in one statement.
    unique (schedule_id, channel_id) deferrable,
    foreign key (tenant_id, schedule_id) references pulse_configs (tenant_id, schedule_id) on delete cascade,
    foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);

create index pulse_channels_of_channel on pulse_channels (tenant_id, channel_id);

call build_wall('pulse_channels', 'select, insert, update, delete');

create or replace function project_pulse() returns trigger language plpgsql as $$
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

create trigger pulse_channels_project after insert or update on pulse_channels
for each row execute function project_pulse();

-- What a tenant's runs took of models on a day, in UTC: written once for each turn, when it was answered.
create table model_usage (
    tenant_id uuid not null references tenants (id),
    day date not null,
    turns bigint not null default 0,
    tokens bigint not null default 0,
    dollars numeric not null default 0,
    primary key (tenant_id, day)
);

call build_wall('model_usage', 'select');

-- A report for which nobody was found did not arrive.
create or replace function through_at(run runs) returns timestamptz stable language plpgsql as $$
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
