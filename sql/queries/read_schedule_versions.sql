-- Every version of every schedule, oldest first. Reads the whole table, for the judge of a finished run.
select v.schedule_id::text as schedule, v.version, extract(epoch from v.created_at)::float8 as created_at, v.definition
from schedule_versions as v
order by v.created_at, v.schedule_id, v.version
