-- What of a tenant's needs somebody, the newest of each sort first and at most `room` of it: what fails and since when.
-- `about` is the id of the source, graph, schedule, limit or webhook, or the kind of the dead letters. Sorted.
-- That runs died stays known after one succeeded, so that owners are told again: but then it needs nobody any more.
-- Takes no lock. Index: dead_letters_open (its newest `most`), and the tables' keys, which begin with the tenant.
(
    select 'source' as what, s.id::text as about, s.name, s.failing_since as since, s.last_error as why, 1 as times
    from sources as s
    where s.tenant_id = %(tenant_id)s and s.failing_since is not null
    order by s.failing_since desc
    limit %(room)s
)
union all
(
    select 'graph', g.id::text, g.name, g.failing_since, g.last_error, 1 from graphs as g
    where g.tenant_id = %(tenant_id)s and g.failing_since is not null
    order by g.failing_since desc
    limit %(room)s
)
union all
(
    select 'late', s.id::text, s.name, w.late_since, rfc3339(w.late_slot_at), 1
    from watches as w
    inner join schedules as s on w.tenant_id = s.tenant_id and w.schedule_id = s.id
    where w.tenant_id = %(tenant_id)s and w.late_since is not null
    order by w.late_since desc
    limit %(room)s
)
union all
(
    select t.what, s.id::text, s.name, max(t.since) as since, null, count(*)::integer
    from troubles as t
    inner join schedules as s on t.tenant_id = s.tenant_id and t.schedule_id = s.id
    where
        t.tenant_id = %(tenant_id)s
        and (t.what <> 'dead' or not succeeded_since(t.schedule_id, t.slot_at, t.since))
    group by t.what, s.id, s.name
    order by since desc
    limit %(room)s
)
union all
(
    select 'circuit', l.id::text, l.name, l.open_since, null, l.failed_in_row from limits as l
    where l.tenant_id = %(tenant_id)s and l.open_since is not null
    order by l.open_since desc
    limit %(room)s
)
union all
(
    select 'webhook', w.id::text, w.name, w.updated_at, w.disabled_reason, 1 from webhooks as w
    where w.tenant_id = %(tenant_id)s and w.status = 'disabled'
    order by w.updated_at desc
    limit %(room)s
)
union all
(
    select
        'letters',
        d.kind,
        d.cause,
        max(d.created_at) as since,
        (array_agg(d.error order by d.created_at desc))[1],
        count(*)::integer
    from (
        select l.kind, l.cause, l.created_at, l.error from dead_letters as l
        where l.tenant_id = %(tenant_id)s and l.state = 'open'
        order by l.created_at desc
        limit %(most)s
    ) as d
    group by d.kind, d.cause
    order by since desc
    limit %(room)s
)
