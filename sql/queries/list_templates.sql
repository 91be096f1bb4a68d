-- A tenant's templates, newest first, on from a place, or the one of an id; of a purpose. Sorted.
-- Index: templates' key (tenant_id, id, purpose).
select
    t.id, t.name, t.purpose, t.subject, t.body_text as text, t.body_html as html, t.version, t.created_at, t.updated_at
from templates as t
where
    t.tenant_id = %(tenant_id)s
    and (%(id)s::uuid is null or t.id = %(id)s)
    and (%(purpose)s::text is null or t.purpose = %(purpose)s)
    and (%(before_at)s::timestamptz is null or (t.created_at, t.id) < (%(before_at)s, %(before_id)s::uuid))
order by t.created_at desc, t.id desc
limit %(room)s
