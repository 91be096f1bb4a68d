-- Forgets the processes that stopped or were lost a week ago and hold nothing.
delete from processes as p
where
    coalesce(p.stopped_at, p.lost_at) < now() - interval '7 days'
    and not exists (select from runs as r where r.state = 'running' and r.leased_by = p.id)
