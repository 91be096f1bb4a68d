-- Moves are read by the slots that they are of: a check that makes up for missed ones writes several at once.

-- squawk-ignore require-concurrent-index-deletion
drop index alert_events_of_alert;
-- squawk-ignore require-concurrent-index-creation
create index alert_events_of_alert on alert_events (tenant_id, alert_id, slot_at desc, id desc);
