-- The answer that was kept for a key within the last day. Index: idempotent_answers' key.
select a.request_hash, a.status, a.headers, a.body from idempotent_answers as a
where a.who = %(who)s and a.key = %(key)s and a.created_at > now() - interval '1 day'
