-- The run that holds a schedule's gate; a null run means that it is free. Index: schedule_gates' key.
select g.run_id
from schedule_gates as g
where g.tenant_id = %(tenant_id)s and g.schedule_id = %(schedule_id)s
