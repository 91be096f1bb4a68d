-- What a restored copy would do of what its original may have done since: open runs, unsettled deliveries, and
-- schedules that are due. Takes no lock.
-- Index: runs_pending, runs_released, deliveries_pending, deliveries_sending, schedules_due.
select
    (
        select count(*) from runs as r where r.state in ('pending', 'queued', 'running') and r.finished_at is null
    ) as runs,
    (select count(*) from deliveries as d where d.state in ('pending', 'sending')) as deliveries,
    (select count(*) from schedules as s where s.status = 'active' and s.next_fire_at <= now()) as schedules
