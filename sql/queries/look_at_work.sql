-- What `tocsin doctor` asks about the work of the whole system; the queues are those in which a run waits.
-- Index: schedules_due, runs_released, dead_letters_open.
select
    (
        select extract(epoch from now() - min(s.next_fire_at))::float8 from schedules as s
        where s.status = 'active' and s.next_fire_at <= now()
    ) as oldest_due_seconds,
    array(
        select q.queue
        from unnest(%(queues)s::text[]) as q (queue)
        where
            exists (
                select from runs as r
                where r.queue = q.queue and r.state = 'queued' and r.released_at <= now() and r.finished_at is null
            )
        order by q.queue
    ) as queues,
    (select count(*) from dead_letters as d where d.state = 'open') as dead_letters,
    (
        select extract(day from max(to_date(right(c.relname, 8), 'YYYYMMDD')) + 7 - now())::integer
        from pg_inherits as i
        inner join pg_class as c on i.inhrelid = c.oid
        where i.inhparent = 'runs'::regclass
    ) as days_ahead
