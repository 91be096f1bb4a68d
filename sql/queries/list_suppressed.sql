-- Which of these recipients are suppressed, for the schedule or at all, and why. Index: suppressions_one_per_scope.
select s.recipient, s.reason
from suppressions as s
where
    s.tenant_id = %(tenant_id)s and s.recipient = any(%(recipients)s::text[])
    and (s.schedule_id is null or s.schedule_id = %(schedule_id)s)
