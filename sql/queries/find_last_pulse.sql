-- What the last run of a schedule kept that sent its report, before a slot. Index: runs_one_per_slot, runs_on_demand.
select r.outcome as value
from runs as r
where
    r.tenant_id = %(tenant_id)s and r.schedule_id = %(schedule_id)s and r.slot_at < %(slot_at)s
    and r.state || '' = 'succeeded' and r.origin <> 'test' and r.outcome ->> 'outcome' = 'sent'
order by r.slot_at desc
limit 1
