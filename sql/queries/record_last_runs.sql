-- Writes schedules.last_run_at from the runs that succeeded since an instant; answers the newest instant seen.
-- Locks: the schedules in the order of their ids. Index: runs_finished.
with
newest as (
    select r.schedule_id, max(r.finished_at) as finished_at from runs as r
    where r.finished_at > %(since)s and r.schedule_id is not null and r.state = 'succeeded'
    group by r.schedule_id
),

locked as (
    select s.id, newest.finished_at from newest
    inner join schedules as s on newest.schedule_id = s.id
    where s.last_run_at is null or s.last_run_at < newest.finished_at
    order by s.id
    for update of s skip locked
),

written as (
    update schedules as s set last_run_at = locked.finished_at from locked where s.id = locked.id
    returning 1
)

select
    (select max(finished_at) from newest) as seen,
    (select count(*) from written) as written
