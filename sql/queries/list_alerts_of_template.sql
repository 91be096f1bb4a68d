-- The names of the first alerts that are worded by a template, which the caller holds. Sorted.
-- Index: kpi_alerts_of_template.
select a.alert_name as name from kpi_alerts as a
where a.tenant_id = %(tenant_id)s and a.template_id = %(id)s
order by a.alert_name, a.id
limit 10
