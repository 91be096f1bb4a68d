-- Every run as it stands, by slot. Reads the whole table, for the judge of a finished run.
select
    r.id::text as run, (extract(epoch from r.slot_at) * 1000)::bigint as slot, r.tenant_id::text as tenant,
    r.schedule_id::text as schedule, r.schedule_version as version, r.kind, r.origin, r.state, r.reason, r.fence,
    r.attempt, r.max_attempts,
    extract(epoch from r.released_at)::float8 as released_at, extract(epoch from r.started_at)::float8 as started_at,
    extract(epoch from r.finished_at)::float8 as finished_at,
    (extract(epoch from r.skipped_until) * 1000)::bigint as skipped_until, r.skipped_count,
    extract(epoch from r.created_at)::float8 as created_at
from runs as r
order by r.slot_at, r.id
