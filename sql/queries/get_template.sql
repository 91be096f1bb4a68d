-- A tenant's template as a run words its messages by it. Index: templates' key (tenant_id, id, purpose).
select t.id, t.name, t.version, t.subject, t.body_text as text, t.body_html as html
from templates as t
where t.tenant_id = %(tenant_id)s and t.id = %(id)s
