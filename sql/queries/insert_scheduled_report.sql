-- Makes the report of a schedule. A trigger projects it into the schedule's params. Index: scheduled_reports' keys.
insert into scheduled_reports (
    id, tenant_id, schedule_id, description, report_definition_id, export_formats, parameters, email_enabled,
    email_recipients, email_cc_recipients, email_bcc_recipients, email_subject, email_include_attachment,
    email_include_preview, email_send_only_if_data, error_after, template_id
)
values (
    %(id)s, %(tenant_id)s, %(schedule_id)s, %(description)s, %(report_definition_id)s, %(export_formats)s,
    %(parameters)s, %(email_enabled)s, %(email_recipients)s, %(email_cc_recipients)s, %(email_bcc_recipients)s,
    %(email_subject)s, %(email_include_attachment)s, %(email_include_preview)s, %(email_send_only_if_data)s,
    %(error_after)s, %(template_id)s
)
