-- Makes a report's schedule `failed` once its last `error_after` planned runs died one after the other since it was
-- resumed, and tells its owner. Looks at what died since an instant; answers the newest end that it saw, and
-- how many it stopped.
-- Locks: the schedules in the order of their ids, skipping those that somebody holds. Index: runs_finished,
-- scheduled_reports' key, runs_one_per_slot.
with
died as (
    select distinct r.schedule_id from runs as r
    where
        r.finished_at > %(since)s and r.schedule_id is not null and r.state = 'dead' and r.kind = 'report.export'
),

failing as (
    select s.id, s.tenant_id, s.name, s.plan_from, w.error_after
    from died
    inner join scheduled_reports as w on died.schedule_id = w.schedule_id
    inner join schedules as s on died.schedule_id = s.id
    where s.status = 'active' and w.error_after is not null
    order by s.id
    for update of s skip locked
),

recent as (
    select
        n.schedule_id, n.id, n.slot_at, n.state, n.error,
        row_number() over (partition by n.schedule_id order by n.slot_at desc) as place
    from (select id, plan_from from failing) as f
    cross join lateral (
        select p.schedule_id, p.id, p.slot_at, p.state, p.error
        from runs as p
        where
            p.schedule_id = f.id and p.origin in ('schedule', 'backfill') and p.state in ('succeeded', 'dead')
            and p.slot_at > f.plan_from
        order by p.slot_at desc
        limit 100
    ) as n
),

judged as (
    select
        f.id, f.tenant_id, f.name, f.error_after,
        (array_agg(r.id order by r.place))[1] as run_id,
        (array_agg(r.slot_at order by r.place))[1] as slot_at,
        (array_agg(r.error order by r.place))[1] as error
    from failing as f
    inner join recent as r on f.id = r.schedule_id
    where r.state = 'dead' and r.place <= f.error_after
    group by f.id, f.tenant_id, f.name, f.error_after
    having count(*) = f.error_after
),

failed as (
    update schedules as s
    set
        status = 'failed', next_fire_at = null, last_error = coalesce(j.error, 'its last runs died'),
        last_error_at = now(), updated_at = now()
    from judged as j
    where s.id = j.id
    returning s.id
),

told as (
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, max_attempts, available_at, params
    )
    select
        id_beside(j.run_id), j.slot_at, j.tenant_id, j.run_id, 'told:error', 'notice.mail', 'alerts', 'system',
        'pending', 10, now(),
        jsonb_build_object(
            'subject', 'The report ' || j.name || ' is stopped',
            'text', 'The report ' || j.name || ' is stopped: ' || j.error_after || ' of its runs failed one after the '
            || 'other. The last one said: ' || coalesce(j.error, 'nothing') || chr(10) || chr(10)
            || 'Nothing more is sent until somebody resumes it.',
            'scheduleId', j.id
        )
    from judged as j
    on conflict do nothing
    returning 1
)

select
    (
        select max(r.finished_at) from runs as r
        where r.finished_at > %(since)s and r.schedule_id is not null
    ) as seen,
    (select count(*) from failed) as failed
