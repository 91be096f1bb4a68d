-- Forgets the processes that stopped or were lost a week ago and hold nothing.
delete from processes as p
where
    coalesce(p.stopped_at, p.lost_at) < now() - interval '7 days'
    and p.id not in (
        select r.leased_by from runs as r
        where r.released_at is not null and r.finished_at is null and r.leased_by is not null
    )
