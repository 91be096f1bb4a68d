-- Every move of every run, in order. Reads the whole table, for the judge of a finished run.
select
    h.seq, extract(epoch from h.at)::float8 as at, h.run_id::text as run,
    (extract(epoch from h.slot_at) * 1000)::bigint as slot, h.move, h.state, h.fence, h.attempt,
    h.leased_by::text as leased_by, h.reason,
    case when h.available_at < 'infinity' then extract(epoch from h.available_at)::float8 end as available_at,
    h.written_fence
from run_history as h
order by h.seq
