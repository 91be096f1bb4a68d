-- What of a tenant's rings next: the runs made ahead of their instant, and the next of each active schedule; at most
-- `room` of each, the soonest first. Takes no lock. Index: runs_of_tenant, schedules_next_of_tenant.
(
    select r.slot_at as fires_at, s.id as schedule_id, s.name, s.kind
    from runs as r
    inner join schedules as s on r.tenant_id = s.tenant_id and s.id = any(array[r.schedule_id])
    where r.tenant_id = %(tenant_id)s and r.slot_at > now() and r.finished_at is null
    order by r.slot_at, r.id
    limit %(room)s
)
union all
(
    select s.next_fire_at, s.id, s.name, s.kind from schedules as s
    where s.tenant_id = %(tenant_id)s and s.status = 'active' and s.next_fire_at is not null
    order by s.next_fire_at, s.id
    limit %(room)s
)
