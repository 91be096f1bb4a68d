-- The executions of a scheduled report with their files and what became of their mails, newest slot first, on from a
-- place, or the one of an id and its slot. Index: runs_of_tenant, runs' key, artifacts_one_per_name, deliveries' key.
select
    e.id, e.scheduled_report_id, e.status, e.triggered_by, e.triggered_manually, e.scheduled_for, e.started_at,
    e.completed_at, e.duration_ms as duration, e.error, e.retry_count, e.progress, e.record_count,
    e.definition_version, e.outcome, made.files, mailed.email_sent, mailed.email_sent_at, mailed.email_error,
    e.created_at, now() as asked_at
from report_executions as e
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
cross join
    lateral (
        select
            coalesce(bool_and(d.state = 'sent'), false) as email_sent,
            max(d.sent_at) as email_sent_at,
            min(d.error) filter (where d.state <> 'sent') as email_error
        from deliveries as d
        where d.tenant_id = e.tenant_id and d.run_id = e.id and d.slot_at = e.slot_at
    ) as mailed
where
    e.tenant_id = %(tenant_id)s
    and (%(report_id)s::uuid is null or e.scheduled_report_id = %(report_id)s)
    and (%(id)s::uuid is null or (e.id = %(id)s and e.slot_at = %(slot_at)s::timestamptz))
    and (%(before_at)s::timestamptz is null or (e.slot_at, e.id) < (%(before_at)s, %(before_id)s::uuid))
order by e.slot_at desc, e.id desc
limit %(room)s
