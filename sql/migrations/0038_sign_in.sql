-- People sign in: by a link of one use, or by the installation's own provider of identities.

alter table api_tokens
-- Whose token it is; null: nobody's in particular. No foreign key: the row outlives its member as history, and opens
-- nothing from then on.
add column member_id uuid,
-- A browser's: made when somebody signed in, and revoked when they sign out.
add column is_session boolean not null default false;

create table sign_in_links (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null references tenants (id),
    -- SHA-256 of the code in the link, which itself is stored nowhere.
    hash bytea not null unique,
    member_id uuid,
    scope text not null check (scope in ('read', 'write', 'admin')),
    created_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    foreign key (tenant_id, member_id) references members (tenant_id, id) on delete cascade
);

create index sign_in_links_by_age on sign_in_links (tenant_id, expires_at);

call build_wall('sign_in_links', 'select, insert, update, delete');

-- Whom a provider names is looked for among all tenants' members.
-- squawk-ignore require-concurrent-index-creation
create index members_by_subject on members (subject);
-- squawk-ignore require-concurrent-index-creation
create index members_by_email on members (lower(email));
