-- Calendars: days on which a schedule does not fire: the public holidays of a country or a part of it, and a tenant's own.

create table calendars (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    -- ISO 3166-1 and -2, as the library of holidays knows them.
    country text check (country ~ '^[A-Z]{2}$'),
    subdivision text,
    -- [{"date": "2026-12-24", "name": "Christmas Eve"}], by date.
    own_days jsonb not null default '[]' check (jsonb_typeof(own_days) = 'array'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (tenant_id, id),
    unique (tenant_id, name),
    constraint calendars_subdivision_of_country check (subdivision is null or country is not null)
);

call build_wall('calendars', 'select, insert, update, delete');

alter table schedules add column calendar_id uuid;

-- No release has these tables yet, so nobody waits for the checks and the index.
alter table schedules
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint schedules_calendar foreign key (tenant_id, calendar_id) references calendars (tenant_id, id),
-- squawk-ignore constraint-missing-not-valid
add constraint schedules_calendar_recurs check (calendar_id is null or scheduled_at is null);

-- squawk-ignore require-concurrent-index-creation
create index schedules_of_calendar on schedules (tenant_id, calendar_id) where calendar_id is not null;
