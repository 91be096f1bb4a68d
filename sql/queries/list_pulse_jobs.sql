-- The runs of a pulse but its previews, newest first, on from a place, with their deaths and what became of the mails;
-- their records without what is long: of what was said, what tools answered goes.
-- Index: runs_one_per_slot and runs_on_demand, dead_letters_one_per_death, deliveries_one_per_recipient.
select
    r.id, r.slot_at, r.schedule_id as pulse_id, r.state, case
        when jsonb_typeof(r.outcome -> 'messages') = 'array'
            then jsonb_set(
                r.outcome, '{messages}', jsonb_path_query_array(r.outcome, '$.messages[*] ? (@.role != "tool")')
            )
        else r.outcome
    end - array['evidence', 'check', 'page'] as outcome,
    r.error, r.cancel_requested_at, r.started_at, r.finished_at, r.created_at, died.at as died_at, mails.made as mails,
    mails.sent as mails_sent, mails.sent_at as mailed_at
from runs as r
cross join
    lateral (
        select max(l.created_at) as at from dead_letters as l
        where l.run_id = r.id and l.slot_at = r.slot_at and l.tenant_id = r.tenant_id
    ) as died
cross join
    lateral (
        select count(*) as made, count(*) filter (where d.state = 'sent') as sent, max(d.sent_at) as sent_at
        from deliveries as d
        where d.run_id = r.id and d.slot_at = r.slot_at and d.tenant_id = r.tenant_id
    ) as mails
where
    r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s and r.kind = 'pulse.report' and r.origin <> 'test'
    and (%(before_at)s::timestamptz is null or (r.slot_at, r.id) < (%(before_at)s, %(before_id)s::uuid))
order by r.slot_at desc, r.id desc
limit %(room)s
