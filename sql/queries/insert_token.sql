-- Makes a token. Index: api_tokens' keys.
insert into api_tokens (tenant_id, name, scope, hash, created_by, expires_at, member_id, is_session)
values (
    %(tenant_id)s, %(name)s, %(scope)s, %(hash)s, %(created_by)s, %(expires_at)s, %(member_id)s, %(is_session)s
)
returning id, name, scope, created_by, created_at, expires_at, revoked_at, last_used_at, is_session
