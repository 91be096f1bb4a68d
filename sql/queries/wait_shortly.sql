-- For the rest of the transaction a lock is waited for so many milliseconds and no longer.
select set_config('lock_timeout', %(milliseconds)s::text, true) as lock_timeout
