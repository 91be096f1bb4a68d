-- Deletes a scheduled report; its schedule is stopped by the caller, and its runs stay.
-- Index: scheduled_reports' key (tenant_id, id).
delete from scheduled_reports as r where r.tenant_id = %(tenant_id)s and r.id = %(id)s
