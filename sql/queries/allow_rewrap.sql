-- Lets the transaction move schedules to another key without a new version; passes with it.
select set_config('tocsin.rewrapping', 'on', true) as setting
