-- Ends a flight: with its answer, or with why there is none to share. Index: source_answers' key.
update source_answers as a
set state = %(state)s, answer = %(answer)s
where
    a.tenant_id = %(tenant_id)s and a.source_id = %(source_id)s and a.key = %(key)s
    and a.minute = %(minute)s::timestamptz and a.flight = %(flight)s and a.state = 'asking'
