-- A tenant's runs of pulses that are open since long ago; none that a living process works on. Index: runs_of_tenant.
select r.id, r.slot_at
from runs as r
where
    r.tenant_id = %(tenant_id)s and r.kind = 'pulse.report' and r.state in ('pending', 'queued', 'running')
    and r.slot_at < now() - make_interval(hours => %(hours)s) and r.cancel_requested_at is null
    and not exists (
        select from processes as p
        where p.id = r.leased_by and p.lost_at is null and p.leased_until > now() and r.state = 'running'
    )
order by r.id
