-- The executions of a report's schedule with their files and what became of their mails, newest slot first, on from a
-- place, or the one of an id and its slot. Index: runs_one_per_slot and runs_on_demand (each is partial, so each is
-- asked by itself, in the order that it has; with the id in the order it is runs_of_tenant, which reads all that the
-- tenant runs: 270 ms among 500,000), runs' key, artifacts_one_per_name, deliveries' key.
with
recent as (
    (
        select p.id, p.slot_at from runs as p
        where
            p.tenant_id = %(tenant_id)s and p.schedule_id = %(schedule_id)s::uuid
            and p.origin in ('schedule', 'backfill')
            and (%(before_at)s::timestamptz is null or (p.slot_at, p.id) < (%(before_at)s, %(before_id)s::uuid))
        order by p.slot_at desc
        fetch first %(room)s rows with ties
    )
    union all
    (
        select m.id, m.slot_at from runs as m
        where
            m.tenant_id = %(tenant_id)s and m.schedule_id = %(schedule_id)s::uuid
            and m.origin not in ('schedule', 'backfill')
            and (%(before_at)s::timestamptz is null or (m.slot_at, m.id) < (%(before_at)s, %(before_id)s::uuid))
        order by m.slot_at desc
        fetch first %(room)s rows with ties
    )
    union all
    select %(id)s::uuid as id, %(slot_at)s::timestamptz as slot_at
    where %(id)s::uuid is not null
),

-- Their slots as spans: list_deliveries_of_runs says why.
mailed as (
    select
        d.run_id,
        bool_and(d.state = 'sent') as email_sent,
        max(d.sent_at) as email_sent_at,
        min(d.error) filter (where d.state <> 'sent') as email_error
    from recent as n
    inner join deliveries as d on n.id = d.run_id and d.slot_at between n.slot_at and n.slot_at
    where d.tenant_id = %(tenant_id)s
    group by d.run_id
)

select
    e.id, e.scheduled_report_id, e.status, e.triggered_by, e.triggered_manually, e.scheduled_for, e.started_at,
    e.completed_at, e.duration_ms as duration, e.error, e.retry_count, e.progress, e.record_count,
    e.definition_version, e.outcome, made.files, coalesce(m.email_sent, false) as email_sent, m.email_sent_at,
    m.email_error, e.created_at, now() as asked_at
from recent
inner join report_executions as e on recent.id = e.id and recent.slot_at = e.slot_at
cross join
    lateral (
        select
            coalesce(jsonb_agg(jsonb_build_object(
                'id', a.id, 'name', a.name, 'format', a.format, 'contentType', a.content_type,
                'sizeBytes', a.size_bytes, 'sha256', a.sha256, 'recordCount', a.record_count
            ) order by a.created_at, a.name), '[]') as files
        from artifacts as a
        where a.tenant_id = e.tenant_id and a.run_id = e.id and a.slot_at = e.slot_at
    ) as made
left join mailed as m on e.id = m.run_id
where e.tenant_id = %(tenant_id)s
order by e.slot_at desc, e.id desc
limit %(room)s
