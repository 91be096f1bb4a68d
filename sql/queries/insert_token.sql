-- Makes a token. Index: api_tokens' keys.
insert into api_tokens (tenant_id, name, scope, hash, created_by, expires_at)
values (%(tenant_id)s, %(name)s, %(scope)s, %(hash)s, %(created_by)s, %(expires_at)s)
returning id, name, scope, created_by, created_at, expires_at, revoked_at, last_used_at
