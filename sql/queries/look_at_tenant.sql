-- What the overview says of a tenant in one number each, and which processes live; dead letters up to `room`.
-- Takes no lock. Index: processes_live, schedules_next_of_tenant, dead_letters_open, and the tables' keys.
select
    now() as now,
    (
        select count(*) from processes as p
        where p.role = 'worker' and p.lost_at is null and p.stopped_at is null and p.leased_until > now()
    ) as workers,
    (
        select count(*) from processes as p
        where p.role = 'ticker' and p.lost_at is null and p.stopped_at is null and p.leased_until > now()
    ) as tickers,
    (
        select extract(epoch from now() - min(s.next_fire_at))::float8 from schedules as s
        where s.tenant_id = %(tenant_id)s and s.status = 'active' and s.next_fire_at <= now()
    ) as oldest_due_seconds,
    (
        select count(*) from (
            select from dead_letters as d where d.tenant_id = %(tenant_id)s and d.state = 'open' limit %(room)s
        ) as f
    ) as dead_letters,
    exists(select from sources as s where s.tenant_id = %(tenant_id)s) as has_source,
    exists(select from graphs as g where g.tenant_id = %(tenant_id)s) as has_graph,
    exists(select from channels as c where c.tenant_id = %(tenant_id)s) as has_channel,
    exists(select from schedules as s where s.tenant_id = %(tenant_id)s) as has_schedule
