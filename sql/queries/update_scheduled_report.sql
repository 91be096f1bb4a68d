-- Changes a scheduled report, which the caller holds; a trigger projects it into the schedule's params.
-- Index: scheduled_reports' key (tenant_id, id).
update scheduled_reports as r
set
    description = %(description)s, report_definition_id = %(report_definition_id)s,
    export_formats = %(export_formats)s, parameters = %(parameters)s, email_enabled = %(email_enabled)s,
    email_recipients = %(email_recipients)s, email_cc_recipients = %(email_cc_recipients)s,
    email_bcc_recipients = %(email_bcc_recipients)s, email_subject = %(email_subject)s,
    email_include_attachment = %(email_include_attachment)s, email_include_preview = %(email_include_preview)s,
    email_send_only_if_data = %(email_send_only_if_data)s, error_after = %(error_after)s,
    template_id = %(template_id)s, updated_at = now()
where r.tenant_id = %(tenant_id)s and r.id = %(id)s
