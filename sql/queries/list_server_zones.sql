-- The names of the time zones that Postgres knows.
select z.name as zone from pg_timezone_names as z
