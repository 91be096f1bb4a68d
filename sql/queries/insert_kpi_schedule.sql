-- Makes the schedule's part of an alert. A trigger projects both into the schedule's params. Index: kpi_schedules' key.
insert into kpi_schedules (
    kpi_alert_id, tenant_id, frequency_interval, schedule_hour, schedule_minute, selected_days, gating_condition,
    attachment_type, options
)
values (
    %(alert_id)s, %(tenant_id)s, %(frequency_interval)s, %(schedule_hour)s, %(schedule_minute)s, %(selected_days)s,
    %(gating_condition)s, %(attachment_type)s, %(options)s
)
