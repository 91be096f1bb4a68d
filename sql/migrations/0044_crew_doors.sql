-- The endpoint that CREW_API_URL made follows that setting, until somebody gives it an address or headers of their own.
alter table crew_endpoints add column is_from_setting boolean not null default false;

-- Events are listed over all alerts and crews of a tenant, and those of one run.
-- squawk-ignore require-concurrent-index-creation
create index alert_events_listed on alert_events (tenant_id, slot_at desc, id desc);
-- squawk-ignore require-concurrent-index-creation
create index alert_events_of_run on alert_events (tenant_id, run_id);
