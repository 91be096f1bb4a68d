-- The endpoint that CREW_API_URL made follows that setting, until somebody gives it an address or headers of their own.
alter table crew_endpoints add column is_from_setting boolean not null default false;
