-- The names of the first alerts, pulses and scheduled reports that are worded by a template, which the caller holds.
-- Sorted. Index: kpi_alerts_of_template, pulse_configs_of_template, scheduled_reports_of_template.
select a.alert_name as name from kpi_alerts as a
where a.tenant_id = %(tenant_id)s and a.template_id = %(id)s
union all
select s.name
from pulse_configs as p
inner join schedules as s on p.tenant_id = s.tenant_id and p.schedule_id = s.id
where p.tenant_id = %(tenant_id)s and p.template_id = %(id)s
union all
select s.name
from scheduled_reports as r
inner join schedules as s on r.tenant_id = s.tenant_id and r.schedule_id = s.id
where r.tenant_id = %(tenant_id)s and r.template_id = %(id)s
order by name
limit 10
