-- Every move of every schedule, in order. Reads the whole table, for the judge of a finished run.
select
    h.seq, extract(epoch from h.at)::float8 as at, h.schedule_id::text as schedule, h.version, h.status,
    extract(epoch from h.plan_from)::float8 as plan_from,
    (extract(epoch from h.last_slot_at) * 1000)::bigint as last_slot,
    extract(epoch from h.next_fire_at)::float8 as next_fire_at
from schedule_history as h
order by h.seq
