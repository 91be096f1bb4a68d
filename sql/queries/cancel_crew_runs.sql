-- Ends what is left of cancelled crews: calls that nobody makes yet at once, others by asking their worker; forgets the
-- crews of which nothing is left. Answers how many calls were touched, and ended at once.
-- Locks: the runs in the order of their ids.
-- Index: cancelled_crews' key, runs_one_per_item.
with
crews as (
    select c.run_id, c.slot_at from cancelled_crews as c
    order by c.run_id
    limit 20
    for update skip locked
),

locked as (
    select r.id, r.slot_at, r.state
    from (
        select o.id, o.slot_at from crews as c
        cross join
            lateral (
                select q.id, q.slot_at from runs as q
                where
                    q.parent_run_id = c.run_id and q.slot_at = c.slot_at and q.kind = 'crew.ask'
                    and q.finished_at is null and q.cancel_requested_at is null
                limit 1000
            ) as o
        order by o.id
    ) as w
    cross join lateral (
        select q.id, q.slot_at, q.state from runs as q
        where
            q.id = w.id and q.slot_at = w.slot_at and q.state in ('pending', 'queued', 'running')
            and q.cancel_requested_at is null
        for update
    ) as r
),

touched as (
    update runs as r
    set
        state = case when l.state = 'running' then r.state else 'cancelled' end,
        fence = case when l.state = 'running' then r.fence else r.fence + 1 end,
        reason = case when l.state = 'running' then r.reason else 'crew_cancelled' end,
        finished_at = case when l.state = 'running' then r.finished_at else now() end,
        cancel_requested_at = now()
    from locked as l
    where r.id = l.id and r.slot_at = l.slot_at
    returning r.state
),

-- Its last worker may still make calls: the row stays until the next look finds none that are not told.
forgotten as (
    delete from cancelled_crews as c
    using crews
    where
        c.run_id = crews.run_id and not exists (
            select from runs as q
            where
                q.parent_run_id = crews.run_id and q.slot_at = crews.slot_at and q.kind = 'crew.ask'
                and q.finished_at is null and q.cancel_requested_at is null
        )
    returning 1
)

select
    (select count(*) from touched) as touched, (select count(*) from touched where state = 'cancelled') as ended,
    (select count(*) from forgotten) as forgotten
