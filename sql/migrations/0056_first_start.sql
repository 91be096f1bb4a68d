-- When a run first began: `started_at` moves with each attempt, and with each look of a run that waits for what it began.

alter table runs add column first_started_at timestamptz;
