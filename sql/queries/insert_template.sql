-- Makes a template; no row: the tenant has one of that name. Index: templates' keys.
insert into templates (tenant_id, name, purpose, subject, body_text, body_html)
values (%(tenant_id)s, %(name)s, %(purpose)s, %(subject)s, %(body_text)s, %(body_html)s)
on conflict (tenant_id, name) do nothing
returning id
