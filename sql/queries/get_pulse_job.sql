-- A tenant's run of a pulse by its id and the slot that the id carries, with its deaths and what became of its mails.
-- Index: runs' key, dead_letters_one_per_death, deliveries_one_per_recipient.
select
    r.id, r.slot_at, r.schedule_id as pulse_id, r.state, r.outcome, r.error, r.cancel_requested_at, r.started_at,
    r.finished_at, r.created_at, died.at as died_at, mails.made as mails, mails.sent as mails_sent,
    mails.sent_at as mailed_at
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
where r.tenant_id = %(tenant_id)s and r.id = %(id)s and r.slot_at = %(slot_at)s and r.kind = 'pulse.report'
