-- Whom a notice is for: the member who made a schedule, by themselves or with a token of theirs; else the tenant's
-- `noticesTo`, else its admins, the first hundred. `left_by`: who made it, where that is no active member any more.
-- Index: schedules' key (tenant_id, id), members' key (tenant_id, subject), members_of_tenant.
with
author as (
    select coalesce(t.created_by, s.created_by) as who from schedules as s
    left join api_tokens as t on s.tenant_id = t.tenant_id and s.created_by = 'token:' || t.id
    where s.tenant_id = %(tenant_id)s and s.id = %(schedule_id)s::uuid
),

owner as (
    select m.email from author as a
    inner join members as m on substr(a.who, 8) = m.subject
    where m.tenant_id = %(tenant_id)s and a.who like 'member:%%' and m.disabled_at is null
),

named as (
    select n.email from tenants as t
    cross join jsonb_array_elements_text(t.settings -> 'noticesTo') as n (email)
    where t.id = %(tenant_id)s
),

admins as (
    select m.email from members as m
    where m.tenant_id = %(tenant_id)s and m.role = 'admin' and m.disabled_at is null
),

ranked as (
    select o.email, 1 as place from owner as o
    union
    select n.email, 2 as place from named as n
    union
    select a.email, 3 as place from admins as a
)

select
    r.email,
    case
        when r.place > 1 then (select substr(a.who, 8) from author as a where a.who like 'member:%%')
    end as left_by
from ranked as r
where r.place = (select min(b.place) from ranked as b)
order by r.email
limit 100
