-- The slots of a schedule after one and before another that no run could check, those too that were skipped without a
-- holiday: the newest hundred, oldest first. A skipped run names the newest slots of its range, or is its own.
-- Index: runs_one_per_slot.
select u.slot_at from (
    select k.slot_at from runs as r
    cross join
        lateral (
            select r.slot_at
            where coalesce(jsonb_typeof(r.outcome -> 'slots') <> 'array', true)
            union all
            select s.told::timestamptz as slot_at
            from jsonb_array_elements_text(
                case when jsonb_typeof(r.outcome -> 'slots') = 'array' then r.outcome -> 'slots' else '[]' end
            ) as s (told)
        ) as k
    where
        r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s
        and r.origin in ('schedule', 'backfill')
        and r.slot_at > %(since)s and r.slot_at < %(slot_at)s
        and (
            r.state = 'dead' or r.state = 'succeeded' and r.outcome -> 'outcomes' ? 'could_not_check'
            or r.state = 'skipped' and r.reason in ('misfire', 'misfire_limit', 'overlap')
        )
        and k.slot_at > %(since)s and k.slot_at < %(slot_at)s
    order by k.slot_at desc
    limit 100
) as u
order by u.slot_at
