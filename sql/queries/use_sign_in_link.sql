-- Uses a link up; no row: it was used, or is too old. Index: sign_in_links' key.
update sign_in_links as l set used_at = now()
where l.tenant_id = %(tenant_id)s and l.id = %(id)s and l.used_at is null and l.expires_at > now()
returning l.id
