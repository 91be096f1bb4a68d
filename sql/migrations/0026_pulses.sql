-- Pulses: a prompt and a schedule that a report is written by. All that says when is the schedule's; a job is a run of it.

create table pulse_configs (
    -- A pulse has its schedule's id.
    schedule_id uuid primary key,
    tenant_id uuid not null,
    description text not null default '',
    prompt text not null check (prompt <> ''),
    -- Null: it mails nobody.
    recipients text[],
    -- What it may look at; null: all graphs of its tenant.
    graph_ids uuid[],
    on_model_failure text not null default 'fallback' check (on_model_failure in ('fallback', 'error')),
    skip_if_nothing_notable boolean not null default false,
    attachment text not null default 'none' check (attachment in ('none', 'pdf')),
    test_mode boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id)
);

call build_wall('pulse_configs', 'select, insert, update, delete');

-- As for alerts: schedules.params is the projection that runs read and versions keep.
create function project_pulse() returns trigger language plpgsql as $$
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'description', new.description, 'prompt', new.prompt, 'recipients', new.recipients, 'graphIds', new.graph_ids,
        'onModelFailure', new.on_model_failure, 'skipIfNothingNotable', new.skip_if_nothing_notable,
        'attachment', new.attachment, 'testMode', new.test_mode
    ))
    where s.id = new.schedule_id;
    return null;
end $$;

create trigger pulse_configs_project after insert or update on pulse_configs
for each row execute function project_pulse();

-- A schedule of the kind has its config, and a config a schedule of the kind, whoever writes: looked at when the
-- transaction ends. One that is over for good may have lost it.
create function check_pulse_whole() returns trigger language plpgsql as $$
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

create constraint trigger pulse_configs_whole after insert or update or delete on pulse_configs
deferrable initially deferred for each row execute function check_pulse_whole();
create constraint trigger schedules_begin_as_pulse after insert on schedules
deferrable initially deferred for each row
when (new.kind = 'pulse.report')
execute function check_pulse_whole();
create constraint trigger schedules_stay_a_pulse after update of kind on schedules
deferrable initially deferred for each row
when (new.kind <> old.kind)
execute function check_pulse_whole();
