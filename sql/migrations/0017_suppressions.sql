-- Suppressions: whom a tenant mails no more, at all or for one schedule; and what recipients did by the links in a mail.

create table suppressions (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    recipient text not null check (recipient = lower(recipient) and recipient <> ''),
    -- Null: nothing at all of this tenant.
    schedule_id uuid,
    reason text not null check (reason in ('bounce', 'complaint', 'unsubscribe', 'manual')),
    -- Who said so: a provider, the recipient, the API or the command.
    source text not null,
    note text,
    -- The delivery that it came from, and its run; both may be gone by now.
    run_id uuid,
    delivery_id uuid,
    created_at timestamptz not null default now(),
    unique (tenant_id, id),
    constraint suppressions_one_per_scope unique nulls not distinct (tenant_id, recipient, schedule_id),
    constraint suppressions_schedule foreign key (tenant_id, schedule_id) references schedules (tenant_id, id)
);

call build_wall('suppressions', 'select, insert, update, delete');

create table message_actions (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    delivery_id uuid not null,
    run_id uuid not null,
    schedule_id uuid,
    -- The alert that the mail was about, and its segment; the empty one: all that the mail told of.
    alert_id uuid,
    segment text not null default '',
    action text not null check (action in ('acknowledge', 'snooze', 'unsubscribe', 'not_useful')),
    -- Until when a snooze holds; null for the others.
    until timestamptz,
    -- The recipient, as the delivery has it.
    acted_by text not null,
    created_at timestamptz not null default now(),
    unique (tenant_id, id),
    constraint message_actions_once unique (tenant_id, delivery_id, action)
);

create index message_actions_of_alert on message_actions (tenant_id, alert_id, created_at) where alert_id is not null;

call build_wall('message_actions', 'select, insert');

-- How often somebody had it sent once more on purpose: a provider's idempotency key has to be another one then.
alter table deliveries add column resends integer not null default 0;

-- No release has these tables yet, so nobody waits for the index.
-- squawk-ignore require-concurrent-index-creation
create index deliveries_of_provider on deliveries (provider_message_id) where provider_message_id is not null;
