-- Makes the alert of a schedule. A trigger projects it into the schedule's params. Index: kpi_alerts' keys.
insert into kpi_alerts (
    id, tenant_id, schedule_id, alert_type, alert_name, description, recipients, recipient_rules, graph_id,
    dashboard_id, template_id
)
values (
    %(id)s, %(tenant_id)s, %(schedule_id)s, %(alert_type)s, %(alert_name)s, %(description)s, %(recipients)s,
    %(recipient_rules)s, %(graph_id)s, %(dashboard_id)s, %(template_id)s
)
