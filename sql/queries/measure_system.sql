-- The gauges of the whole system, in one look: each row is a gauge, its two labels ('' where it has fewer), its value.
-- Takes no lock. Index: schedules_due, runs_released, runs_pending, dead_letters_open, processes_live,
-- watches_late, watches_to_judge, limits_open, deliveries_pending, deliveries_sending. What is overdue is counted also
-- while nobody judges the watches. A run that a limit, a gate or a circuit holds back is not released, and not queued.
-- What is open is read row by row: what is over, however much, costs nothing.
with
waiting as (
    select r.queue, true as is_released, r.released_at as since from runs as r
    where r.state = 'queued' and r.released_at <= now() and r.finished_at is null
    union all
    -- Workers that do not know its kind give it back again and again.
    select r.queue, false, r.created_at from runs as r
    where
        r.state = 'pending' and r.reason = 'no_worker_for_kind' and r.available_at < 'infinity'
        and r.released_at is null and r.finished_at is null and r.limited_by is null
),

queued as (
    select
        w.queue, count(*) filter (where w.is_released)::float8 as depth,
        extract(epoch from now() - min(w.since))::float8 as oldest
    from waiting as w
    group by w.queue
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
select 'queue_depth', q.queue, '', q.depth from queued as q
union all
select 'oldest_queued_seconds', q.queue, '', q.oldest from queued as q
union all
select 'oldest_delivery_seconds', o.channel, '', extract(epoch from now() - min(o.created_at))::float8
from open_deliveries as o
group by o.channel
union all
select 'runs', r.state, r.kind, count(*)::float8
from runs as r
where r.state in ('pending', 'queued', 'running') and r.finished_at is null
group by r.state, r.kind
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
