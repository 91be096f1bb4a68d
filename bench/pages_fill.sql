-- The other rooms of the busy tenant: alerts, one of them with 90 days of checks, pulses, reports, crews, graphs, and a
-- hundred thousand entries of the audit log. Without triggers, which the filler has off.
insert into sources (id, tenant_id, name, type, url)
select gen_random_uuid(), t.id, 'shop', 'postgres', 'postgresql://u@127.0.0.1:1/x' from tenants as t where t.slug = 'tenant-1';
insert into graphs (tenant_id, name, source_id, query, time_dimension, grain)
select s.tenant_id, 'graph ' || g, s.id, 'select 1', 'at', 'hour'
from sources as s cross join generate_series(1, 300) as g;
insert into dashboards (tenant_id, name)
select s.tenant_id, 'dashboard ' || g from sources as s cross join generate_series(1, 100) as g;
insert into schedules (id, tenant_id, kind, name, cron, timezone, next_fire_at, last_slot_at, status, created_at)
select
    gen_random_uuid(), s.tenant_id, k.kind, k.kind || ' ' || g, '0 * * * *', 'Europe/Madrid',
    now() + make_interval(mins => 1 + g % 60), now(), 'active', now() - make_interval(secs => g)
from sources as s
cross join generate_series(1, 300) as g
cross join unnest(array['kpi.threshold', 'pulse.report', 'report.export']) as k (kind);
insert into kpi_alerts (id, tenant_id, schedule_id, alert_type, alert_name, recipients, graph_id)
select gen_random_uuid(), s.tenant_id, s.id, 'threshold', s.name, array['someone@example.com'], g.id
from schedules as s
cross join lateral (select id from graphs where graphs.tenant_id = s.tenant_id order by name limit 1) as g
where s.kind = 'kpi.threshold';
insert into kpi_thresholds (kpi_alert_id, tenant_id, condition, threshold_value)
select a.id, a.tenant_id, 'GREATER_THAN', 100 from kpi_alerts as a;
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, fence, attempt, available_at,
    released_at, started_at, finished_at, outcome
)
select
    (lpad(to_hex((extract(epoch from slot) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8'
        || substr(md5(random()::text), 1, 15))::uuid,
    slot, s.tenant_id, s.id, 1, s.kind, 'default', 'schedule', 'succeeded', 2, 1, slot, slot, slot,
    slot + interval '1 second',
    jsonb_build_object(
        'outcome', 'nothing_new', 'sentence', 'nothing new', 'segments',
        jsonb_build_array(jsonb_build_object(
            'segment', '', 'state', case when extract(day from slot)::integer % 7 = 0 then 'firing' else 'ok' end,
            'value', (100 + 20 * sin(extract(epoch from slot) / 9000))::text
        ))
    )
from schedules as s
cross join lateral (
    select date_trunc('hour', now()) - make_interval(hours => g) as slot
    from generate_series(1, case when s.name = 'kpi.threshold 1' then 2160 else 24 end) as g
) as at
where s.kind in ('kpi.threshold', 'pulse.report', 'report.export')
order by slot;
insert into alert_states (alert_id, tenant_id, segment, state, value, since, run_id, slot_at)
select distinct on (a.id) a.id, a.tenant_id, '', 'ok', 99, r.slot_at, r.id, r.slot_at
from kpi_alerts as a inner join runs as r on a.schedule_id = r.schedule_id
order by a.id, r.slot_at desc;
insert into alert_events (tenant_id, alert_id, segment, slot_at, run_id, previous_state, state, value, reason)
select
    a.tenant_id, a.id, '', r.slot_at, r.id, case when m.nth % 2 = 0 then 'ok' else 'firing' end,
    case when m.nth % 2 = 0 then 'firing' else 'ok' end, 101, 'crossed'
from kpi_alerts as a
inner join runs as r on a.schedule_id = r.schedule_id
cross join lateral (select extract(hour from r.slot_at)::integer as nth) as m
where m.nth < 4;
insert into pulse_configs (schedule_id, tenant_id, prompt)
select s.id, s.tenant_id, 'what is new?' from schedules as s where s.kind = 'pulse.report';
insert into report_definitions (tenant_id, name, source_id, query)
select s.tenant_id, 'definition ' || g, s.id, 'select 1' from sources as s cross join generate_series(1, 50) as g;
insert into scheduled_reports (id, tenant_id, schedule_id, report_definition_id, export_formats)
select gen_random_uuid(), s.tenant_id, s.id, d.id, array['csv']
from schedules as s
inner join report_definitions as d on s.tenant_id = d.tenant_id and d.name = 'definition 1'
where s.kind = 'report.export';
insert into users (tenant_id, uid, goal, created_at)
select s.tenant_id, 'user ' || g, 'to grow', now() - make_interval(secs => g)
from sources as s cross join generate_series(1, 20000) as g;
insert into crew_endpoints (id, tenant_id, name, url)
select gen_random_uuid(), s.tenant_id, 'plans', 'https://example.com/run-crew' from sources as s;
insert into crew_responses (tenant_id, user_uid, response_data, endpoint_id, created_at)
select
    e.tenant_id, 'user ' || 1 + g % 20000, jsonb_build_object('plan', jsonb_build_array('look at', g)), e.id,
    now() - make_interval(secs => g)
from crew_endpoints as e cross join generate_series(1, 100000) as g;
insert into audit_log (
    chain, number, tenant_id, at, who, action, subject_type, subject_id, before, after, previous, hash
)
select
    s.tenant_id, g, s.tenant_id, now() - make_interval(secs => 100001 - g),
    'token:' || md5((g % 50)::text)::uuid, 'schedule.edited', 'schedule', q.id::text,
    '{"priority": 5}', '{"priority": 7}', '', ''
from sources as s
cross join generate_series(1, 100000) as g
inner join (
    select c.id, c.tenant_id, row_number() over (partition by c.tenant_id order by c.id) - 1 as nth
    from schedules as c where c.kind = 'test.noop'
) as q on s.tenant_id = q.tenant_id and q.nth = g % 2000
