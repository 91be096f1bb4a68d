-- Those of these alerts whose newest check that is over could not check, or died; what fails so keeps the state that it
-- found. Takes no lock. Index: kpi_alerts' key, runs_one_per_slot, one row of each schedule's.
select a.id
from kpi_alerts as a
cross join
    lateral (  -- noqa: ST05
        select r.state, r.outcome from runs as r
        where
            r.tenant_id = %(tenant_id)s and r.schedule_id = a.schedule_id and r.origin in ('schedule', 'backfill')
            and r.slot_at <= now() and r.state in ('succeeded', 'dead')
        order by r.slot_at desc
        limit 1
    ) as c
where
    a.tenant_id = %(tenant_id)s and a.id = any(%(ids)s) and a.alert_type = 'threshold'
    and (c.state = 'dead' or c.outcome -> 'outcomes' ? 'could_not_check')
