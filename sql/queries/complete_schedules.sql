-- Ends, of the next 500 schedules that have no slot to come, those without an open run: failed when a one-time run
-- died, else completed. Answers how far it looked (null: to the end) and how many it ended.
-- Locks: the schedules, skipping those that another ticker holds. Index: schedules_ending, runs_one_per_slot.
-- `offset 0` and `state || ''`: each schedule's runs are looked up by their key, never joined by a walk over open runs.
with
ending as (
    select s.id, s.scheduled_at from schedules as s
    where s.status = 'active' and s.next_fire_at is null and s.id > %(after)s
    order by s.id
    limit 500
    for update skip locked
),

over as (
    select ending.id, ending.scheduled_at from ending
    where not exists (
        select from runs as r
        where
            r.schedule_id = ending.id and r.origin in ('schedule', 'backfill')
            and r.state || '' in ('pending', 'queued', 'running')
        offset 0
    )
),

ended as (
    update schedules as s
    set
        updated_at = now(),
        status = case
            when over.scheduled_at is not null and exists (
                select from runs as r
                where r.schedule_id = over.id and r.origin in ('schedule', 'backfill') and r.state || '' = 'dead'
                offset 0
            ) then 'failed'
            else 'completed'
        end
    from over
    where s.id = any(array[over.id])
    returning 1
)

select
    case when (select count(*) from ending) = 500 then (select max(ending.id::text)::uuid from ending) end as looked_to,
    (select count(*) from ended) as ended
