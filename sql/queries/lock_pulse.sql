-- Locks a tenant's pulse for the caller's transaction: its schedule, then its config. Index: their keys.
with schedule as (
    select s.id from schedules as s
    where s.tenant_id = %(tenant_id)s and s.id = %(id)s and s.kind = 'pulse.report'
    for update
)

select p.schedule_id as id
from schedule
inner join pulse_configs as p on schedule.id = p.schedule_id
where p.tenant_id = %(tenant_id)s
for update of p
