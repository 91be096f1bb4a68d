-- The last run of a schedule whose slot had come by an instant, with what it decided; one that was asked for by hand is
-- a check like any other. Indexes: runs_one_per_slot, runs_on_demand, a row of each.
select r.id, r.slot_at, r.state, r.reason, r.error, r.outcome, r.finished_at
from (
    (
        select c.id, c.slot_at, c.state, c.reason, c.error, c.outcome, c.finished_at from runs as c
        where
            c.tenant_id = %(tenant_id)s and c.schedule_id = %(schedule_id)s and c.slot_at <= %(at)s
            and c.origin in ('schedule', 'backfill')
        order by c.slot_at desc
        limit 1
    )
    union all
    (
        select c.id, c.slot_at, c.state, c.reason, c.error, c.outcome, c.finished_at from runs as c
        where
            c.tenant_id = %(tenant_id)s and c.schedule_id = %(schedule_id)s and c.slot_at <= %(at)s
            and c.origin not in ('schedule', 'backfill')
        order by c.slot_at desc
        limit 1
    )
) as r
order by r.slot_at desc
limit 1
