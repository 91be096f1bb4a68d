-- What `tocsin doctor` asks about the work of the whole system. Index: schedules_due, dead_letters_open.
select
    (
        select extract(epoch from now() - min(s.next_fire_at))::float8 from schedules as s
        where s.status = 'active' and s.next_fire_at <= now()
    ) as oldest_due_seconds,
    (select count(*) from dead_letters as d where d.state = 'open') as dead_letters,
    (
        select extract(day from max(to_date(right(c.relname, 8), 'YYYYMMDD')) + 7 - now())::integer
        from pg_inherits as i
        inner join pg_class as c on i.inhrelid = c.oid
        where i.inhparent = 'runs'::regclass
    ) as days_ahead
