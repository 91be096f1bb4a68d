-- The scheduled reports that a definition makes, with the parameters that they give.
-- Index: scheduled_reports_of_definition, schedules' key (tenant_id, id).
select r.schedule_id, s.name, s.status, r.parameters, s.timezone
from scheduled_reports as r
inner join schedules as s on r.tenant_id = s.tenant_id and r.schedule_id = s.id
where r.tenant_id = %(tenant_id)s and r.report_definition_id = %(id)s
order by s.name
