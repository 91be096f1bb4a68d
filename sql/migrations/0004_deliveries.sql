-- Deliveries: the row is written with the outcome, before the first byte is sent.

-- What is sent, rendered once: every attempt and every recipient gets these bytes.
create table delivery_bodies (
    run_id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    number integer not null,
    message_id text not null,
    content bytea not null,
    primary key (run_id, number, slot_at)
) partition by range (slot_at);

create table deliveries (
    id uuid not null,
    slot_at timestamptz not null,
    tenant_id uuid not null,
    run_id uuid not null,
    channel text not null,
    recipient text not null,
    recipient_type text not null check (recipient_type in ('to', 'cc', 'bcc')),
    body_number integer not null,
    state text not null
    check (state in ('pending', 'sending', 'sent', 'failed', 'unknown', 'suppressed', 'bounced')),
    unknown_policy text not null default 'resend' check (unknown_policy in ('resend', 'hold')),
    fence bigint not null default 0,
    written_fence bigint,
    attempts integer not null default 0,
    max_attempts integer not null default 12,
    unknown_count integer not null default 0,
    available_at timestamptz not null default now(),
    leased_by uuid,
    deadline_at timestamptz,
    -- Set under the fence right before the content is handed over: a crash before it certainly sent nothing.
    handed_over_at timestamptz,
    provider_message_id text,
    error text,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    primary key (id, slot_at)
) partition by range (slot_at);

create unique index deliveries_one_per_recipient on deliveries (run_id, channel, recipient, slot_at);
create index deliveries_of_tenant on deliveries (tenant_id, slot_at, id);
create index deliveries_pending on deliveries (available_at, id) where state = 'pending';
create index deliveries_sending on deliveries (leased_by, id) where state = 'sending';

create function guard_delivery() returns trigger language plpgsql as $$
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

create trigger deliveries_guard before update on deliveries for each row execute function guard_delivery();
