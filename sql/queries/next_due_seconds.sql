-- Seconds until the next schedule is due; null when none will ever be. Index: schedules_due (its first live entry).
select extract(epoch from min(s.next_fire_at) - clock_timestamp())::float8 as seconds
from schedules as s
where s.status = 'active' and s.next_fire_at is not null
