-- Makes the runs of a crew's next users, on from a place, under the fence of the run that fans out: one a user, in the
-- order of their priority. Whoever has one already is passed over. An endpoint that names a user's segment comes before
-- those that take all, and of equals `default` and then the first by name; a user without one gets no run. Answers how
-- far it came; no row: the run belongs to another attempt. Locks: the run (`for share`).
-- Index: runs' key, users_to_ask, runs_one_per_item.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.max_attempts, r.started_at from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

picked as (
    select
        u.uid, u.priority, run.id as run_id, run.slot_at, run.tenant_id, run.max_attempts, run.started_at,
        row_number() over (order by u.priority, u.uid) as place,
        (
            select e.id from crew_endpoints as e
            where
                e.tenant_id = run.tenant_id
                and (%(endpoints)s::text[] is null or e.name = any(%(endpoints)s) or e.id::text = any(%(endpoints)s))
                and (cardinality(e.segments) = 0 or u.segment = any(e.segments))
            order by cardinality(e.segments) = 0, e.name <> 'default', e.name
            limit 1
        ) as endpoint_id
    from run
    cross join lateral (
        select w.uid, w.priority, w.segment from users as w
        where
            w.tenant_id = run.tenant_id and w.active and (w.priority, w.uid) > (%(after_priority)s, %(after_uid)s::text)
            -- Blanks are nothing; those that were stored as they came are still there.
            and (w.context ~ '[^[:space:]]' or w.goal ~ '[^[:space:]]')
            and (%(segments)s::text[] is null or w.segment = any(%(segments)s))
            and not exists (
                select from runs as c
                where c.parent_run_id = run.id and c.item_key = w.uid and c.slot_at = run.slot_at
                -- Looked up one by one: joined, with no statistics of a new partition yet, each user was looked for
                -- among all runs of the crew, and the fifth thousand of ten took 66 s instead of a tenth of one.
                offset 0
            )
        order by w.priority, w.uid
        limit %(room)s
    ) as u
),

made as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params,
        limited_by
    )
    select
        id_beside(p.run_id), p.slot_at, p.tenant_id, p.run_id, p.uid, 'crew.ask', 'calls', 'child', 'pending',
        p.max_attempts,
        -- Whoever waits longest is released first: so the order of the users is that of their instants.
        least(p.started_at, now()) + make_interval(secs => (%(place)s + p.place) / 1e6),
        jsonb_build_object('endpointId', p.endpoint_id),
        limits_of(p.tenant_id, array['endpoint:' || p.endpoint_id])
    from picked as p
    where p.endpoint_id is not null
    on conflict do nothing
    returning 1
)

select
    count(p.uid) as seen, (select count(*) from made) as made,
    count(p.uid) filter (where p.endpoint_id is null) as without_endpoint,
    (max(array[p.priority::text, p.uid]))[1]::integer as last_priority,
    (max(array[p.priority::text, p.uid]))[2] as last_uid
from run
left join picked as p on run.id = p.run_id
group by run.id
