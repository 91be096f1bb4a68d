-- Takes back the deliveries whose process was lost or stopped, and those past their deadline.
-- What was not yet handed over is sent again while attempts are left; what was is unknown, resent or held by policy.
-- Locks: the deliveries in the order of their ids. Index: deliveries_sending.
with orphans as (
    select d.id, d.slot_at
    from deliveries as d
    left join processes as p on d.leased_by = p.id
    where
        d.state = 'sending'
        and (p.id is null or p.lost_at is not null or p.stopped_at is not null or d.deadline_at < now())
    order by d.id
    limit 500
    for update of d skip locked
)

update deliveries as d
set
    fence = d.fence + 1, leased_by = null, deadline_at = null,
    unknown_count = d.unknown_count + (d.handed_over_at is not null)::integer,
    error = case
        when d.handed_over_at is null then coalesce(d.error, 'its process was lost before anything was handed over')
        else 'its process was lost while the mail was handed over'
    end,
    available_at = now(),
    state = case
        when d.handed_over_at is null and d.attempts >= d.max_attempts then 'failed'
        when d.handed_over_at is null then 'pending'
        when d.unknown_policy = 'resend' and d.attempts < d.max_attempts then 'pending'
        else 'unknown'
    end
from orphans
where d.id = orphans.id and d.slot_at = orphans.slot_at
returning d.id, d.channel, d.state, d.handed_over_at is not null as is_unknown
