-- A tenant's scheduled reports with their schedules and what became of their newest 1,000 runs, newest first, on from a
-- place, or the one of an id. Index: scheduled_reports' and schedules' keys (tenant_id, id), watches' key,
-- runs_one_per_slot and runs_on_demand (each is partial, so each part of the runs is asked for by itself).
select
    r.id, s.name, r.description, d.name as report_type, r.report_definition_id, r.schedule_id, s.status, s.cron,
    s.interval_seconds, s.interval_anchor, s.scheduled_at, s.recurrence,
    s.timezone, s.calendar_id, r.export_formats, r.parameters, s.tags, r.email_enabled, r.email_recipients,
    r.email_cc_recipients, r.email_bcc_recipients, r.email_subject, r.email_include_attachment,
    r.email_include_preview, r.email_send_only_if_data, r.error_after, r.template_id, s.deliver_within_seconds,
    r.late_since, t.slug as workspace_id, s.created_by,
    s.version, s.next_fire_at, s.last_error as schedule_error, ran.last_run, ran.last_state, ran.last_run_error,
    ran.success_count, ran.failure_count, r.created_at, greatest(r.updated_at, s.updated_at) as updated_at
from (
    select w.*, h.late_since from scheduled_reports as w
    inner join schedules as q on w.tenant_id = q.tenant_id and w.schedule_id = q.id
    inner join report_definitions as n on w.tenant_id = n.tenant_id and w.report_definition_id = n.id
    left join watches as h on q.tenant_id = h.tenant_id and q.id = h.schedule_id
    where
        w.tenant_id = %(tenant_id)s
        and (%(id)s::uuid is null or w.id = %(id)s)
        and (%(statuses)s::text[] is null or q.status = any(%(statuses)s))
        and (%(tag)s::text is null or q.tags @> array[%(tag)s::text])
        and (%(report_type)s::text is null or n.name = %(report_type)s)
        and (%(before_at)s::timestamptz is null or (w.created_at, w.id) < (%(before_at)s, %(before_id)s::uuid))
    order by w.created_at desc, w.id desc
    limit %(room)s
) as r
inner join tenants as t on r.tenant_id = t.id
inner join schedules as s on r.tenant_id = s.tenant_id and r.schedule_id = s.id
inner join report_definitions as d on r.tenant_id = d.tenant_id and r.report_definition_id = d.id
cross join
    lateral (  -- noqa: ST05
        select
            count(*) filter (where x.state = 'succeeded') as success_count,
            count(*) filter (where x.state = 'dead') as failure_count,
            (array_agg(x.finished_at order by x.slot_at desc))[1] as last_run,
            (array_agg(x.state order by x.slot_at desc))[1] as last_state,
            (array_agg(x.error order by x.slot_at desc))[1] as last_run_error
        from (
            (
                select p.state, p.slot_at, p.finished_at, p.error from runs as p
                where
                    p.tenant_id = %(tenant_id)s and p.schedule_id = s.id and p.origin in ('schedule', 'backfill')
                    and p.state in ('succeeded', 'dead')
                order by p.slot_at desc
                limit 1000
            )
            union all
            (
                select m.state, m.slot_at, m.finished_at, m.error from runs as m
                where
                    m.tenant_id = %(tenant_id)s and m.schedule_id = s.id
                    and m.origin not in ('schedule', 'backfill') and m.state in ('succeeded', 'dead')
                order by m.slot_at desc
                limit 1000
            )
        ) as x
    ) as ran
order by r.created_at desc, r.id desc
