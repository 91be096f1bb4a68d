-- Changes the schedule's part of an alert, which the caller holds; a trigger projects it into the schedule's params.
-- Index: kpi_schedules' key.
update kpi_schedules as k
set
    frequency_interval = %(frequency_interval)s, schedule_hour = %(schedule_hour)s,
    schedule_minute = %(schedule_minute)s, selected_days = %(selected_days)s, gating_condition = %(gating_condition)s,
    attachment_type = %(attachment_type)s, options = %(options)s, updated_at = now()
where k.tenant_id = %(tenant_id)s and k.kpi_alert_id = %(alert_id)s
