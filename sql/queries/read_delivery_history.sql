-- Every move of every delivery, in order. Reads the whole table, for the judge of a finished run.
select
    h.seq, extract(epoch from h.at)::float8 as at, h.delivery_id::text as delivery,
    (extract(epoch from h.slot_at) * 1000)::bigint as slot, h.move, h.state, h.fence, h.attempts, h.unknown_count,
    h.leased_by::text as leased_by, extract(epoch from h.handed_over_at)::float8 as handed_over_at,
    extract(epoch from h.available_at)::float8 as available_at, h.written_fence
from delivery_history as h
order by h.seq
