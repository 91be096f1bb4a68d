-- Exported reports are mailed in a tenant's words, as alerts and pulses are.

alter table scheduled_reports
add column template_id uuid,
-- squawk-ignore adding-field-with-default
add column template_purpose text generated always as ('report.export') stored,
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint scheduled_reports_template foreign key (tenant_id, template_id, template_purpose)
references templates (tenant_id, id, purpose);

-- squawk-ignore require-concurrent-index-creation
create index scheduled_reports_of_template on scheduled_reports (tenant_id, template_id);

create or replace function project_scheduled_report() returns trigger language plpgsql as $$
begin
    update schedules as s
    set params = jsonb_strip_nulls(jsonb_build_object(
        'reportId', new.id, 'definitionId', new.report_definition_id, 'exportFormats', new.export_formats,
        'parameters', new.parameters, 'emailEnabled', new.email_enabled, 'emailRecipients', new.email_recipients,
        'emailCcRecipients', new.email_cc_recipients, 'emailBccRecipients', new.email_bcc_recipients,
        'emailSubject', new.email_subject, 'emailIncludeAttachment', new.email_include_attachment,
        'emailIncludePreview', new.email_include_preview, 'emailSendOnlyIfData', new.email_send_only_if_data,
        'templateId', new.template_id
    ))
    where s.id = new.schedule_id;
    return null;
end $$;
