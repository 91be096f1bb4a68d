-- Keeps the answer for a key; one of more than a day ago gives way. Index: idempotent_answers' key.
insert into idempotent_answers as a (who, key, tenant_id, request_hash, status, headers, body)
values (%(who)s, %(key)s, %(tenant_id)s, %(request_hash)s, %(status)s, %(headers)s, %(body)s)
on conflict (who, key) do update
    set
        request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers,
        body = excluded.body, created_at = now()
