-- Whom a notice is for: the member who made a schedule, by themselves or with a token of theirs; else the tenant's
-- `noticesTo`, else its admins; beside them, of a source or a graph, whoever made an active alert on it; the first
-- hundred. Who may not be mailed is passed over while there is somebody else. `left_by`: who made the schedule, where
-- that is no active member any more; `barred`: where they may not be mailed.
-- Index: schedules' key (tenant_id, id), members' key (tenant_id, subject), members_of_tenant,
-- suppressions_one_per_scope; the tenant's graphs and alerts are read for a source or a graph alone.
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

concerned as (
    select g.id from graphs as g
    where g.tenant_id = %(tenant_id)s and (g.source_id = %(source_id)s::uuid or g.id = %(graph_id)s::uuid)
),

asking as (
    select s.created_by as who from kpi_alerts as k
    inner join schedules as s on k.tenant_id = s.tenant_id and k.schedule_id = s.id
    where
        k.tenant_id = %(tenant_id)s and s.status = 'active' and (
            k.graph_id in (select c.id from concerned as c)
            or k.dashboard_id in (
                select d.dashboard_id from dashboard_graphs as d
                where d.tenant_id = %(tenant_id)s and d.graph_id in (select c.id from concerned as c)
            )
        )
),

owners_of_asking as (
    select m.email from asking as a
    left join api_tokens as t on t.tenant_id = %(tenant_id)s and a.who = 'token:' || t.id
    inner join members as m on coalesce(t.created_by, a.who) = 'member:' || m.subject
    where m.tenant_id = %(tenant_id)s and m.disabled_at is null
),

found as (
    select o.email, 1 as place from owner as o
    union
    select n.email, 2 as place from named as n
    union
    select a.email, 3 as place from admins as a
    union
    select o.email, 0 as place from owners_of_asking as o
),

allowed as (
    select array(select jsonb_array_elements_text(coalesce(t.settings -> 'recipientDomains', '[]'))) as domains
    from tenants as t where t.id = %(tenant_id)s
),

ranked as (
    select
        f.email, f.place,
        not exists (
            select from suppressions as s
            where s.tenant_id = %(tenant_id)s and s.recipient = lower(f.email) and s.schedule_id is null
        )
        and (a.domains = '{}' or lower(split_part(f.email, '@', -1)) = any(a.domains))
        and (
            %(domains)s::text[] = '{}' or lower(split_part(f.email, '@', -1)) = any(%(domains)s::text[])
        ) as is_reached
    from found as f
    cross join allowed as a
),

chosen as (
    select
        coalesce(
            min(r.place) filter (where r.is_reached and r.place > 0), min(r.place) filter (where r.place > 0)
        ) as place
    from ranked as r
),

told as (
    select distinct r.email, c.place from ranked as r
    cross join chosen as c
    where r.place = c.place or r.place = 0
)

select
    t.email,
    case
        when t.place > 1 and (select count(*) from owner) = 0
            then (select substr(a.who, 8) from author as a where a.who like 'member:%%')
    end as left_by,
    case when t.place > 1 then (select o.email from owner as o limit 1) end as barred
from told as t
order by t.email
limit 100
