-- The gauges of the whole system, in one look: each row is a gauge, its two labels ('' where it has fewer), its value.
-- Takes no lock. Index: schedules_due, runs_released, runs_pending, runs_held_back, dead_letters_open, processes_live,
-- watches_late, watches_to_judge, limits_open, deliveries_pending, deliveries_sending.
-- What is overdue is counted also while nobody judges the watches. A run that a limit, a gate or a circuit holds back
-- is not released, and not queued. What is open is read row by row; what is over, however much, costs nothing.
with
-- A look for each index: by `state in (...)` the planner reads whole what is over, too (measured beside a million runs
-- and deliveries, none of them open: 160 ms against 8).
open_runs as (
    select r.queue, r.state, r.kind, r.reason, r.released_at, r.created_at from runs as r
    where r.released_at is not null and r.finished_at is null
    union all
    select
        r.queue, r.state, r.kind, case when r.available_at < 'infinity' then r.reason end, r.released_at, r.created_at
    from runs as r
    where r.released_at is null and r.finished_at is null and r.limited_by is null
    union all
    select r.queue, r.state, r.kind, null, r.released_at, r.created_at from runs as r
    where r.released_at is null and r.finished_at is null and r.limited_by is not null
),

counted as (
    select
        o.queue, o.state, o.kind, count(*) as runs,
        count(*) filter (where o.state = 'queued' and o.released_at <= now()) as depth,
        -- Workers that do not know its kind give it back again and again.
        min(case
            when o.state = 'queued' and o.released_at <= now() then o.released_at
            when o.state = 'pending' and o.reason = 'no_worker_for_kind' then o.created_at
        end) as since
    from open_runs as o
    group by o.queue, o.state, o.kind
),

open_deliveries as (
    -- Two looks: each has an index of its own.
    select d.channel, d.created_at from deliveries as d where d.state = 'pending'
    union all
    select d.channel, d.created_at from deliveries as d where d.state = 'sending'
)

select 'due_schedules' as gauge, '' as first_label, '' as second_label, count(*)::float8 as value
from schedules as s
where s.status = 'active' and s.next_fire_at <= now()
union all
select 'oldest_due_seconds', '', '', coalesce(extract(epoch from now() - min(s.next_fire_at)), 0)::float8
from schedules as s
where s.status = 'active' and s.next_fire_at <= now()
union all
select 'queue_depth', c.queue, '', sum(c.depth)::float8 from counted as c group by c.queue
union all
select 'oldest_queued_seconds', c.queue, '', coalesce(extract(epoch from now() - min(c.since)), 0)::float8
from counted as c
group by c.queue
union all
select 'oldest_delivery_seconds', o.channel, '', extract(epoch from now() - min(o.created_at))::float8
from open_deliveries as o
group by o.channel
union all
select 'runs', c.state, c.kind, sum(c.runs)::float8 from counted as c group by c.state, c.kind
union all
select 'dead_letters', d.kind, '', count(*)::float8 from dead_letters as d where d.state = 'open' group by d.kind
union all
select 'circuit_open', 'crew.call', '', count(*)::float8 from limits as l where l.open_since is not null
union all
select 'processes', p.role, '', count(*)::float8
from processes as p
where p.lost_at is null and p.stopped_at is null and p.leased_until > now()
group by p.role
union all
select 'overdue_schedules', '', '', count(*)::float8
from watches as w
inner join schedules as s on w.tenant_id = s.tenant_id and w.schedule_id = s.id
where w.late_since is not null or w.look_at < now() - interval '30 seconds' and overdue_slot(s, w.since) is not null
union all
-- A transaction that is held keeps dead rows from being removed: a batch of the ticker then takes six times as long.
select 'oldest_transaction_seconds', '', '', coalesce(extract(epoch from now() - min(a.xact_start)), 0)::float8
from pg_stat_activity as a
where a.datname = current_database() and a.backend_type = 'client backend'
union all
select 'database_xid_age', '', '', age(d.datfrozenxid)::float8
from pg_database as d
where d.datname = current_database()
