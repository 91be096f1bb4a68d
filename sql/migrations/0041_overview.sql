-- What the overview asks of one tenant among many: what waits for a worker, and what is due next.

-- Neither column is written by a start, so the start of a run stays a HOT update.
-- squawk-ignore require-concurrent-index-creation
create index runs_released_of_tenant on runs (tenant_id, queue, released_at)
where released_at is not null and finished_at is null;

-- squawk-ignore require-concurrent-index-creation
create index schedules_next_of_tenant on schedules (tenant_id, next_fire_at, id)
where status = 'active' and next_fire_at is not null;
