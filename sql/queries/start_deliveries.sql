-- Leases the pending deliveries given for a process; answers them with the bytes to send, and the schedule for the log.
-- Locks: the deliveries in the order of their ids, skipping those that another worker holds.
-- Index: deliveries' key, runs' key (`state || ''`: see start_runs.sql).
with wanted as (
    select d.id, d.slot_at
    from unnest(%(ids)s::uuid[], %(slots)s::timestamptz[]) as w (id, slot_at)
    inner join deliveries as d on w.id = d.id and w.slot_at = d.slot_at
    where
        d.state || '' = 'pending' and d.available_at <= now() and d.slot_at between %(low)s and %(high)s
        and exists (select from processes as p where p.id = %(process_id)s and p.lost_at is null)
    order by d.id
    for update of d skip locked
)

update deliveries as d
set
    state = 'sending', fence = d.fence + 1, attempts = d.attempts + 1, leased_by = %(process_id)s,
    deadline_at = now() + interval '2 minutes', handed_over_at = null
from wanted, delivery_bodies as b
where
    d.id = wanted.id and d.slot_at = wanted.slot_at and d.slot_at between %(low)s and %(high)s
    and b.run_id = d.run_id and b.number = d.body_number and b.slot_at = d.slot_at
    and b.slot_at between %(low)s and %(high)s
returning
    d.id, d.slot_at, d.tenant_id, d.run_id, d.channel, d.recipient, d.fence, d.attempts, d.max_attempts,
    d.unknown_policy, d.resends, b.message_id, b.content,
    (
        select r.schedule_id from runs as r
        where r.id = d.run_id and r.slot_at = d.slot_at and r.slot_at between %(low)s and %(high)s
    ) as schedule_id
