-- Settles every open delivery of a restored copy: what was not begun is suppressed, of what was nobody knows.
-- Locks: the deliveries in the order of their ids. Index: deliveries_pending, deliveries_sending.
with
locked as (
    select d.id, d.slot_at from deliveries as d
    where d.state in ('pending', 'sending')
    order by d.id
    for update
),

moved as (
    update deliveries as d
    set
        state = case when d.state = 'pending' then 'suppressed' else 'unknown' end, fence = d.fence + 1,
        unknown_count = d.unknown_count + (d.state = 'sending')::integer, leased_by = null, deadline_at = null,
        error = 'it was open in a restored copy: the original may have sent it'
    from locked
    where d.id = locked.id and d.slot_at = locked.slot_at
    returning 1
)

select count(*) as value from moved
