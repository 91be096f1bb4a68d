-- Attempts after the first take from a budget of their endpoint's, which all workers share; and one user whose calls fail
-- is no outage.

alter table limits
-- How many attempts after the first may go to the endpoint as of that instant: a fifth of the calls of the last minute
-- or so, and ten a minute in any case. Null: it never spent any.
add column retries_left float8,
add column retries_at timestamptz,
-- The users whose calls failed since one was answered, the last few of them.
add column failing uuid[] not null default '{}',
-- As of when the strain is so great: it wears off.
add column strained_at timestamptz;
