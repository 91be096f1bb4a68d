-- Changes a template, which the caller holds. Index: templates' key (tenant_id, id, purpose).
update templates as t
set
    name = %(name)s, subject = %(subject)s, body_text = %(body_text)s, body_html = %(body_html)s,
    version = t.version + 1, updated_at = now()
where t.tenant_id = %(tenant_id)s and t.id = %(id)s
