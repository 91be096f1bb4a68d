-- A tenant's deliveries by when they were made: what the overview counts of a day, whichever slots they are of.

-- squawk-ignore require-concurrent-index-creation
create index deliveries_made on deliveries (tenant_id, created_at, id);
