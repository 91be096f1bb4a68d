-- What became of a question that somebody else asks: its answer once it is there. No row: nobody asks any more.
-- `is_asked`: whoever asks still lives and has time. Index: source_answers' key; processes' key.
select
    a.state, a.answer,
    a.state = 'asking' and a.expires_at >= now() and exists (
        select from processes as p where p.id = a.process_id and p.stopped_at is null and p.leased_until > now()
    ) as is_asked
from source_answers as a
where
    a.tenant_id = %(tenant_id)s and a.source_id = %(source_id)s and a.key = %(key)s
    and a.minute = %(minute)s::timestamptz
