-- A tenant's active schedules of a kind. Index: schedules' key (tenant_id, name).
select s.id
from schedules as s
where s.tenant_id = %(tenant_id)s and s.kind = %(kind)s and s.status = 'active'
order by s.id
