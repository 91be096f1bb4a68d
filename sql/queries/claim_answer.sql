-- Makes the caller the one who asks a question this minute, unless one who lives does; answers what there is.
-- `is_mine`: the caller asks. Locks: the row. Index: source_answers' key; processes' key.
with
mine as (
    insert into source_answers as a (tenant_id, source_id, key, minute, flight, process_id, expires_at)
    values (
        %(tenant_id)s, %(source_id)s, %(key)s, date_trunc('minute', now(), 'UTC'), %(flight)s, %(process_id)s,
        now() + make_interval(secs => %(seconds)s::double precision)
    )
    on conflict (tenant_id, source_id, key, minute) do update
        set
            state = 'asking', flight = excluded.flight, process_id = excluded.process_id,
            expires_at = excluded.expires_at, answer = null
        where
        a.state = 'failed'
        or a.state = 'asking' and (
            a.expires_at < now()
            or not exists (
                select from processes as p
                where p.id = a.process_id and p.stopped_at is null and p.leased_until > now()
            )
        )
    returning a.minute
)

select m.minute, true as is_mine from mine as m
union all
select date_trunc('minute', now(), 'UTC') as minute, false as is_mine where not exists (select from mine)
