-- The slots of a schedule after one and before another whose runs could not check: the newest hundred, oldest first.
-- Index: runs_one_per_slot.
select u.slot_at from (
    select r.slot_at from runs as r
    where
        r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s
        and r.origin in ('schedule', 'backfill')
        and r.slot_at > %(since)s and r.slot_at < %(slot_at)s
        and (r.state = 'dead' or r.state = 'succeeded' and r.outcome -> 'outcomes' ? 'could_not_check')
    order by r.slot_at desc
    limit 100
) as u
order by u.slot_at
