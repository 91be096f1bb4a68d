-- Sources of more types, each with options of its own; and answers that the runs of one minute share.

-- What a type takes beside its address and its secret; a source without any has an empty object.
alter table sources
add column options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
-- The one that takes its place allows more.
-- squawk-ignore ban-drop-constraint
drop constraint sources_type_check,
-- No release has this table yet, so nobody waits for the check.
-- squawk-ignore constraint-missing-not-valid
add constraint sources_type_check check (type in ('postgres', 'cube', 'prometheus', 'http', 'duckdb'));

-- One row a question and minute: whoever made it asks, the others wait for what it brings. Nothing is lost with it, so it
-- is not logged.
create unlogged table source_answers (
    tenant_id uuid not null references tenants (id),
    source_id uuid not null,
    -- Of the source's version and the whole question, the reader's security context with it.
    key text not null,
    minute timestamptz not null,
    state text not null default 'asking' check (state in ('asking', 'answered', 'failed', 'too_large')),
    -- Who asks: one flight, in a process that may die.
    flight uuid not null,
    process_id uuid not null,
    -- When its own time is over, whatever became of it.
    expires_at timestamptz not null,
    answer text,
    primary key (tenant_id, source_id, key, minute),
    check ((state = 'answered') = (answer is not null))
);

alter table source_answers
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add foreign key (tenant_id, source_id) references sources (tenant_id, id) on delete cascade;

create index source_answers_by_age on source_answers (minute);

call build_wall('source_answers', 'select, insert, update, delete');
