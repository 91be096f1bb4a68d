-- How many runs of these tenants are released and not over, by the limits that they are under. The caller holds those
-- limits, so that no more are released meanwhile. Index: runs_under_limits.
select r.tenant_id, r.limited_by, count(*) as running
from runs as r
where
    r.tenant_id = any(%(tenant_ids)s::uuid[]) and r.limited_by is not null
    and r.released_at is not null and r.finished_at is null
group by r.tenant_id, r.limited_by
