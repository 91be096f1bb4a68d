-- What of one tenant among many is due next: what its overview shows first, and counts the coming day by.

-- squawk-ignore require-concurrent-index-creation
create index schedules_next_of_tenant on schedules (tenant_id, next_fire_at, id)
where status = 'active' and next_fire_at is not null;
