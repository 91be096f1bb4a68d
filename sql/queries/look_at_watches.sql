-- Judges the watches whose time has come: which schedules are late since now, and what of the late ones arrived. In the
-- same statement their owners and webhooks are told, each once, since a watch moves once.
-- Locks: the watches, skipping those that another process judges; it waits for no schedule and no run.
-- Index: watches_to_judge, schedules' key, runs_one_per_slot (the newest slot owed, and what is through since).
with
due as (
    select w.schedule_id, w.tenant_id, w.since, w.late_since, w.late_slot_at from watches as w
    where w.look_at <= now()
    order by w.look_at
    limit 200
    for update skip locked
),

judged as (
    select
        d.schedule_id, d.tenant_id, d.late_since, d.late_slot_at, s.name, s.deliver_within_seconds, s.jitter_seconds,
        overdue_slot(s, d.since) as overdue, next_look(s) as next_at, t.slot_at as arrived_slot, t.arrived_at
    from due as d
    inner join schedules as s on d.tenant_id = s.tenant_id and d.schedule_id = s.id
    left join lateral first_through(d.schedule_id, d.late_slot_at) as t on d.late_since is not null
),

moved as (
    update watches as w
    set
        late_since = case
            when j.overdue is null then null
            when j.arrived_slot is null and j.late_since is not null then j.late_since
            else j.overdue + make_interval(secs => j.deliver_within_seconds)
        end,
        late_slot_at = case
            when j.overdue is null then null
            when j.arrived_slot is null and j.late_slot_at is not null then j.late_slot_at
            else j.overdue
        end,
        -- What is late for long is looked at less often, up to once an hour.
        look_at = case
            when j.overdue is null then j.next_at
            else now() + least(interval '1 hour', greatest(interval '2 seconds', (now() - j.overdue) / 60))
        end
    from judged as j
    where w.schedule_id = j.schedule_id
    returning w.schedule_id
),

seen as (
    select
        j.*, j.arrived_slot is not null as is_arrived,
        j.overdue is not null and (j.late_since is null or j.arrived_slot is not null) as is_late,
        j.arrived_slot <= j.late_slot_at + make_interval(secs => j.jitter_seconds) as is_itself,
        ceil(extract(epoch from j.arrived_at - j.late_slot_at) / 60)::bigint || ' min' as lateness,
        jsonb_build_object('scheduleId', j.schedule_id, 'scheduleName', j.name) as facts
    from judged as j
    inner join moved as m on j.schedule_id = m.schedule_id
),

arrivals as (
    select
        tell_owner(
            f.tenant_id, f.schedule_id, null, null, null,
            case when f.is_itself then f.name || ' arrived late by ' || f.lateness else f.name || ' arrives again' end,
            'What ' || f.name || ' owed for ' || rfc3339(f.late_slot_at) || case
                when f.is_itself then ' is through since ' || rfc3339(f.arrived_at) || ', late by ' || f.lateness || '.'
                else
                    ' never came through; that of ' || rfc3339(f.arrived_slot) || ' is through since '
                    || rfc3339(f.arrived_at) || ', ' || f.lateness || ' after the slot that was missed.'
            end
        ) as told,
        raise_schedule_event(f.tenant_id, 'schedule.arrived', f.facts || jsonb_build_object(
            'slotAt', rfc3339(f.arrived_slot), 'dueSlotAt', rfc3339(f.late_slot_at), 'arrivedAt', rfc3339(f.arrived_at)
        )) as raised
    from seen as f
    where f.is_arrived
),

delays as (
    select
        tell_owner(
            f.tenant_id, f.schedule_id, null, null, null, f.name || ' is late',
            f.name || ' was due at ' || rfc3339(f.overdue) || ' and is not delivered ' || f.deliver_within_seconds
            || ' s later. You are told once it arrives; until then `tocsin why` says what is known of it.'
        ) as told,
        raise_schedule_event(f.tenant_id, 'schedule.late', f.facts || jsonb_build_object(
            'slotAt', rfc3339(f.overdue), 'deliverWithinSeconds', f.deliver_within_seconds
        )) as raised
    from seen as f
    where f.is_late
),

acted as (
    select count(a.*) + (select count(d.*) from delays as d) as notices from arrivals as a
)

select f.schedule_id, f.is_late, f.is_arrived, coalesce(f.arrived_slot, f.overdue) as slot_at, a.notices
from seen as f
cross join acted as a
where f.is_late or f.is_arrived
