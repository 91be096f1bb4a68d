-- Makes a link to sign in by, and drops the tenant's that ended a day ago and more.
-- Index: sign_in_links' keys, sign_in_links_by_age.
with dropped as (
    delete from sign_in_links as l
    where l.tenant_id = %(tenant_id)s and l.expires_at < now() - interval '1 day'
)

insert into sign_in_links (tenant_id, hash, member_id, scope, created_by, expires_at)
values (
    %(tenant_id)s, %(hash)s, %(member_id)s, %(scope)s, %(created_by)s,
    now() + make_interval(mins => %(minutes)s)
)
returning id, scope, created_by, created_at, expires_at
