-- Makes the config of a pulse's schedule. A trigger projects it into the schedule's params. Index: pulse_configs' key.
insert into pulse_configs (
    schedule_id, tenant_id, description, prompt, recipients, recipient_rules, graph_ids, on_model_failure,
    skip_if_nothing_notable, attachment, test_mode, template_id, names_zone
)
values (
    %(id)s, %(tenant_id)s, %(description)s, %(prompt)s, %(recipients)s, %(recipient_rules)s, %(graph_ids)s,
    %(on_model_failure)s, %(skip_if_nothing_notable)s, %(attachment)s, %(test_mode)s, %(template_id)s, %(names_zone)s
)
