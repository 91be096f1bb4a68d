-- A word that is another once a tenant's picture is another: its newest `room` runs and deliveries with their states
-- (a sum of hashes, which needs no order; who has more in a day hears of something new anyway), what waits or is dead,
-- what fails, what is due next, and which processes live.
-- Takes no lock. Index: runs_of_tenant, deliveries_made, dead_letters_open, schedules_next_of_tenant, processes_live,
-- and the tables' keys.
select
    md5(concat_ws(
        '|',
        (
            select concat(count(*), ' ', sum(hashtextextended(f.id::text || f.state || f.fence::text, 0))) from (
                select r.id, r.state, r.fence from runs as r
                where r.tenant_id = %(tenant_id)s and r.slot_at > now() - interval '1 day' and r.slot_at <= now()
                order by r.slot_at desc, r.id desc
                limit %(room)s
            ) as f
        ),
        (
            select concat(count(*), ' ', sum(hashtextextended(f.id::text || f.state, 0))) from (
                select d.id, d.state from deliveries as d
                where d.tenant_id = %(tenant_id)s and d.created_at > now() - interval '1 day'
                order by d.created_at desc, d.id desc
                limit %(room)s
            ) as f
        ),
        (
            select concat(count(*), ' ', max(f.created_at)) from (
                select d.created_at from dead_letters as d
                where d.tenant_id = %(tenant_id)s and d.state = 'open'
                order by d.created_at desc
                limit 1000
            ) as f
        ),
        (
            select string_agg(f.id || f.next_fire_at::text, '' order by f.next_fire_at, f.id) from (
                select s.id, s.next_fire_at from schedules as s
                where s.tenant_id = %(tenant_id)s and s.status = 'active' and s.next_fire_at is not null
                order by s.next_fire_at, s.id
                limit 10
            ) as f
        ),
        (select concat(count(*), ' ', max(t.since)) from troubles as t where t.tenant_id = %(tenant_id)s),
        (select concat(count(*), ' ', max(s.failing_since)) from sources as s where s.tenant_id = %(tenant_id)s),
        (select concat(count(*), ' ', max(g.failing_since)) from graphs as g where g.tenant_id = %(tenant_id)s),
        (
            select concat(count(*), ' ', max(w.late_since)) from watches as w
            where w.tenant_id = %(tenant_id)s and w.late_since is not null
        ),
        (select concat(count(l.open_since), ' ', max(l.open_since)) from limits as l where l.tenant_id = %(tenant_id)s),
        (select count(*) from webhooks as w where w.tenant_id = %(tenant_id)s and w.status = 'active'),
        (
            select string_agg(p.id::text, '' order by p.id) from processes as p
            where p.lost_at is null and p.stopped_at is null and p.leased_until > now()
        )
    )) as word
