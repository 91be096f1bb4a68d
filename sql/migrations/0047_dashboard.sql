-- A tenant's deliveries by when they were made, which the overview counts a day of, whichever slots they are of; and what
-- somebody does about an alert on its page, where no mail's link says which delivery it is about.

-- squawk-ignore require-concurrent-index-creation
create index deliveries_made on deliveries (tenant_id, created_at, id);

-- Both were always given, and are by links.
-- squawk-ignore ban-drop-not-null
alter table message_actions alter column delivery_id drop not null;
-- squawk-ignore ban-drop-not-null
alter table message_actions alter column run_id drop not null;
