-- Changes an alert, which the caller holds; a trigger projects it into the schedule's params.
-- Index: kpi_alerts' key (tenant_id, id).
update kpi_alerts as a
set
    alert_name = %(alert_name)s, description = %(description)s, recipients = %(recipients)s,
    recipient_rules = %(recipient_rules)s, graph_id = %(graph_id)s, dashboard_id = %(dashboard_id)s,
    template_id = %(template_id)s, updated_at = now()
where a.tenant_id = %(tenant_id)s and a.id = %(id)s
