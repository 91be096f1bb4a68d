-- The runs of a pulse but its previews, newest first, on from a place, with their deaths and what became of the mails;
-- their records without what is long: of what was said, what tools answered goes.
-- Index: runs_one_per_slot and runs_on_demand (each is partial, so each is asked by itself, in the order that it has;
-- both at once are runs_of_tenant, which reads all that the tenant runs: 89 ms among 500,000, against 2),
-- dead_letters_one_per_death, deliveries_one_per_recipient.
with newest as (
    (
        select p.* from runs as p
        where
            p.tenant_id = %(tenant_id)s and p.schedule_id = %(schedule_id)s and p.origin in ('schedule', 'backfill')
            and p.kind = 'pulse.report' and p.slot_at <= least(%(before_at)s::timestamptz, 'infinity')
            and (%(before_at)s::timestamptz is null or (p.slot_at, p.id) < (%(before_at)s, %(before_id)s::uuid))
        order by p.slot_at desc
        fetch first %(room)s rows with ties
    )
    union all
    (
        select m.* from runs as m
        where
            m.tenant_id = %(tenant_id)s and m.schedule_id = %(schedule_id)s and m.origin not in ('schedule', 'backfill')
            and m.origin <> 'test' and m.kind = 'pulse.report'
            and m.slot_at <= least(%(before_at)s::timestamptz, 'infinity')
            and (%(before_at)s::timestamptz is null or (m.slot_at, m.id) < (%(before_at)s, %(before_id)s::uuid))
        order by m.slot_at desc
        fetch first %(room)s rows with ties
    )
),

listed as (
    select n.* from newest as n
    order by n.slot_at desc, n.id desc
    limit %(room)s
),

-- Their slots as spans: list_deliveries_of_runs says why.
mailed as (
    select
        d.run_id, count(*) as made, count(*) filter (where d.state = 'sent') as sent, max(d.sent_at) as sent_at
    from listed as l
    inner join deliveries as d on l.id = d.run_id and d.slot_at between l.slot_at and l.slot_at
    where d.tenant_id = %(tenant_id)s
    group by d.run_id
)

select
    r.id, r.slot_at, r.schedule_id as pulse_id, r.state, case
        when jsonb_typeof(r.outcome -> 'messages') = 'array'
            then jsonb_set(
                r.outcome, '{messages}', jsonb_path_query_array(r.outcome, '$.messages[*] ? (@.role != "tool")')
            )
        else r.outcome
    end - array['evidence', 'check', 'page'] as outcome,
    r.error, r.cancel_requested_at, r.started_at, r.finished_at, r.created_at, died.at as died_at,
    coalesce(m.made, 0) as mails, coalesce(m.sent, 0) as mails_sent, m.sent_at as mailed_at
from listed as r
cross join
    lateral (
        select max(l.created_at) as at from dead_letters as l
        where l.run_id = r.id and l.slot_at = r.slot_at and l.tenant_id = r.tenant_id
    ) as died
left join mailed as m on r.id = m.run_id
order by r.slot_at desc, r.id desc
