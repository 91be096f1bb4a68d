-- Changes the config of a pulse, which the caller holds; a trigger projects it into the schedule's params.
-- Index: pulse_configs' key.
update pulse_configs as p
set
    description = %(description)s, prompt = %(prompt)s, recipients = %(recipients)s,
    recipient_rules = %(recipient_rules)s, graph_ids = %(graph_ids)s, on_model_failure = %(on_model_failure)s,
    skip_if_nothing_notable = %(skip_if_nothing_notable)s, attachment = %(attachment)s, test_mode = %(test_mode)s,
    template_id = %(template_id)s, names_zone = %(names_zone)s, updated_at = now()
where p.tenant_id = %(tenant_id)s and p.schedule_id = %(id)s
